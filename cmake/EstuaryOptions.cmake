# Language level, warnings, optimisation and sanitizers, the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

add_library(estuary_options INTERFACE)
add_library(estuary::options ALIAS estuary_options)
target_include_directories(estuary_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(estuary_options INTERFACE -Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(estuary_options INTERFACE -Wthread-safety)
endif()

if(ESTUARY_SANITIZE STREQUAL "address")
  target_compile_options(estuary_options INTERFACE -fsanitize=address,undefined
                         -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(estuary_options INTERFACE -fsanitize=address,undefined)
elseif(ESTUARY_SANITIZE STREQUAL "thread")
  target_compile_options(estuary_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(estuary_options INTERFACE -fsanitize=thread)
elseif(ESTUARY_SANITIZE STREQUAL "fuzzer")
  # Debian's libraries are not instrumented, which the check of virtual tables cannot bear.
  target_compile_options(estuary_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
                         -fno-sanitize=vptr -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(estuary_options INTERFACE -fsanitize=address,undefined)
elseif(ESTUARY_SANITIZE)
  message(FATAL_ERROR "ESTUARY_SANITIZE is '${ESTUARY_SANITIZE}'; it may be empty, 'address', 'thread' or 'fuzzer'")
endif()

find_program(ESTUARY_CCACHE ccache)
if(ESTUARY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ESTUARY_CCACHE})
endif()
