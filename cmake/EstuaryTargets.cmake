# estuary_library(name SOURCES ... DEPS ...)        a static library estuary_<name>, alias estuary::<name>
# estuary_binary(estuary-name SOURCES ... DEPS ...)  one process
# estuary_test(name LABEL unit|integration|end_to_end|chaos|fuzz|deploy SOURCES ... DEPS ... [TIMEOUT s] [SERIAL])
#   SERIAL: nothing else runs at the same time
# estuary_add_role(folder role...)                   add the folder when one of its roles is built

# What a binary's install rule does not say: the package for a robot's computer (EstuaryPackage.cmake) has parts.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME bridge)

function(estuary_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  if(A_SOURCES)
    add_library(estuary_${name} STATIC ${A_SOURCES})
    target_link_libraries(estuary_${name} PUBLIC estuary::options ${A_DEPS})
  else()
    add_library(estuary_${name} INTERFACE)
    target_link_libraries(estuary_${name} INTERFACE estuary::options ${A_DEPS})
  endif()
  add_library(estuary::${name} ALIAS estuary_${name})
endfunction()

function(estuary_binary name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE estuary::options ${A_DEPS})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

function(estuary_test name)
  cmake_parse_arguments(A "SERIAL" "LABEL;TIMEOUT" "SOURCES;DEPS;NEEDS" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE estuary::options ${A_DEPS} GTest::gmock GTest::gtest
                        GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
                             ESTUARY_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                             ESTUARY_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  if(A_NEEDS)
    add_dependencies(${name} ${A_NEEDS})
  endif()
  gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${A_LABEL} TIMEOUT ${A_TIMEOUT} RUN_SERIAL ${A_SERIAL})
endfunction()

function(estuary_add_role folder)
  if(ESTUARY_ROLES STREQUAL "all")
    add_subdirectory(${folder})
    return()
  endif()
  foreach(role IN LISTS ARGN)
    if(role IN_LIST ESTUARY_ROLES)
      add_subdirectory(${folder})
      return()
    endif()
  endforeach()
endfunction()
