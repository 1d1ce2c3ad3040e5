# The Debian packages for a robot's computer; scripts/package builds them. Of a build with ESTUARY_ROLES=bridge alone:
#   estuary-bridge        the bridge, its operators' commands, the systemd unit, configuration
#   estuary-robot-client  what a robot's own program is built with: library, headers, find_package(Estuary)
if(NOT ESTUARY_ROLES STREQUAL "bridge")
  return()
endif()

# scripts/package names what the packages need; tests are none of it.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(debian ${PROJECT_SOURCE_DIR}/deploy/debian)
set(staged ${PROJECT_BINARY_DIR}/debian)
find_program(ESTUARY_GZIP gzip REQUIRED)

# estuary_gzip(out source): Debian wants them compressed, and the same on every build.
function(estuary_gzip out source)
  execute_process(COMMAND ${ESTUARY_GZIP} -9 -n -c ${source} OUTPUT_FILE ${out} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# estuary_debian_documents(component package): what every package has under /usr/share.
function(estuary_debian_documents component package)
  set(PACKAGE ${package})
  # Honours SOURCE_DATE_EPOCH, so that the same source gives the same package.
  string(TIMESTAMP ESTUARY_BUILD_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
  configure_file(${debian}/changelog.in ${staged}/${package}.changelog @ONLY)
  file(MAKE_DIRECTORY ${staged}/${package})
  estuary_gzip(${staged}/${package}/changelog.gz ${staged}/${package}.changelog)
  install(FILES ${staged}/${package}/changelog.gz ${debian}/copyright
          DESTINATION share/doc/${package} COMPONENT ${component})
  if(EXISTS ${debian}/${package}.lintian-overrides)
    install(FILES ${debian}/${package}.lintian-overrides DESTINATION share/lintian/overrides
            RENAME ${package} COMPONENT ${component})
  endif()
endfunction()

# --- estuary-bridge ---
estuary_debian_documents(bridge estuary-bridge)
install(FILES ${PROJECT_SOURCE_DIR}/docs/connect-your-robot.md ${PROJECT_SOURCE_DIR}/proto/estuary/v1/bridge.proto
        DESTINATION share/doc/estuary-bridge COMPONENT bridge)
install(FILES ${debian}/estuary-bridge.service DESTINATION /lib/systemd/system COMPONENT bridge)
install(FILES ${debian}/bridge.conf DESTINATION /etc/estuary COMPONENT bridge)
install(DIRECTORY DESTINATION /etc/estuary/certs COMPONENT bridge)
foreach(page estuary-bridge.8 estuary.1)
  string(REGEX REPLACE ".*\\." "" section ${page})
  estuary_gzip(${staged}/${page}.gz ${debian}/${page})
  install(FILES ${staged}/${page}.gz DESTINATION share/man/man${section} COMPONENT bridge)
endforeach()

# --- estuary-robot-client ---
# libestuary_robot_client.so: gRPC and all that it needs stay inside, so that a robot's program compiles with headers of
# the C++ library alone. libestuary_robot_frames.a: udp and serial, which need nothing.
set(libraries lib/${CMAKE_LIBRARY_ARCHITECTURE})
add_library(estuary_robot_client_so SHARED $<TARGET_OBJECTS:estuary_robot_client> $<TARGET_OBJECTS:estuary_robot_frames>)
target_link_libraries(estuary_robot_client_so PRIVATE estuary::robot_client)
target_link_options(estuary_robot_client_so PRIVATE -Wl,--version-script=${debian}/robot_client.map)
set_target_properties(estuary_robot_client_so PROPERTIES OUTPUT_NAME estuary_robot_client
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${debian}/robot_client.map)

set(frames_archive ${PROJECT_BINARY_DIR}/libestuary_robot_frames.a)
set(parts estuary_robot_frames estuary_bridge_frames estuary_bridge_loop)
set(script "create ${frames_archive}\n")
foreach(part IN LISTS parts)
  string(APPEND script "addlib $<TARGET_FILE:${part}>\n")
endforeach()
file(GENERATE OUTPUT ${staged}/frames.mri CONTENT "${script}save\nend\n")
add_custom_command(OUTPUT ${frames_archive} COMMAND ${CMAKE_AR} -M < ${staged}/frames.mri
                   COMMAND ${CMAKE_RANLIB} -D ${frames_archive} DEPENDS ${parts} VERBATIM)
add_custom_target(estuary_robot_frames_archive ALL DEPENDS ${frames_archive})

install(TARGETS estuary_robot_client_so LIBRARY DESTINATION ${libraries} COMPONENT client)
install(FILES ${frames_archive} DESTINATION ${libraries} COMPONENT client)
set(version_file ${staged}/EstuaryConfigVersion.cmake)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${version_file} COMPATIBILITY SameMinorVersion)
install(FILES ${debian}/EstuaryConfig.cmake ${version_file} DESTINATION ${libraries}/cmake/Estuary COMPONENT client)
foreach(header client/connect.h client/motor_gate.h client/robot_link.h client/watchdog.h drivers/identity.h
               drivers/frame/estuary_frame.h drivers/frame/estuary_robot.h drivers/frame/wire.h
               loop/clock.h loop/realtime.h loop/types.h)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${PROJECT_SOURCE_DIR}/robot_bridge/${header} DESTINATION include/estuary/robot_bridge/${folder}
          COMPONENT client)
endforeach()
# Again where a firmware looks for them: #include <estuary/estuary_robot.h>.
install(FILES ${PROJECT_SOURCE_DIR}/robot_bridge/drivers/frame/estuary_frame.h
              ${PROJECT_SOURCE_DIR}/robot_bridge/drivers/frame/estuary_robot.h
        DESTINATION include/estuary COMPONENT client)
estuary_debian_documents(client estuary-robot-client)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/examples/ DESTINATION share/doc/estuary-robot-client/examples
        COMPONENT client)

# --- both ---
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME estuary)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL bridge client)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The Estuary authors <estuary@localhost>")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
if(CMAKE_CROSSCOMPILING)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
  # dpkg-shlibdeps asks the database there; scripts/package names it.
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_SYSROOT}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE})
endif()

set(CPACK_DEBIAN_BRIDGE_PACKAGE_NAME estuary-bridge)
set(CPACK_COMPONENT_BRIDGE_DESCRIPTION
    "drives a robot at 200 Hz, safe whatever fails
Estuary's bridge takes a robot's observations, acts by a learned policy, an
operator or a fallback controller within limits, and sends every real
transition to the replay, spooling them while it is away. With the operators'
commands (estuary robot ...).

It is not started on installation: connect-your-robot.md in
/usr/share/doc/estuary-bridge says what comes first.")
set(CPACK_DEBIAN_BRIDGE_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_BRIDGE_PACKAGE_CONTROL_EXTRA
    "${debian}/postinst;${debian}/prerm;${debian}/postrm;${debian}/conffiles")

set(CPACK_DEBIAN_CLIENT_PACKAGE_NAME estuary-robot-client)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_CLIENT_DESCRIPTION
    "robot's end of its link to Estuary's bridge
The library, headers and CMake package (find_package(Estuary)) that a robot's
own program is built with: over gRPC in C++, over UDP or a serial line in
plain C without any dependency, fit for a firmware.")
# CPack would call ldconfig in scripts of its own; Debian does it by a trigger.
set(CPACK_DEBIAN_CLIENT_PACKAGE_CONTROL_EXTRA
    "${debian}/client/postinst;${debian}/client/postrm;${debian}/client/triggers")
set(CPACK_DEBIAN_CLIENT_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
include(CPack)
