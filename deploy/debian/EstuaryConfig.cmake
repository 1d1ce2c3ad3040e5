# find_package(Estuary): what a robot's own program links.
#   estuary::robot_client     C++20; gRPC, UDP and serial by ConnectRobot (robot_bridge/client/connect.h)
#   estuary::robot_frames     C++20; UDP and serial by ConnectFrames, needs no further library
#   estuary::robot_firmware   C99; two headers (estuary/estuary_robot.h)
include(CMakeFindDependencyMacro)
find_dependency(Threads)
get_filename_component(_estuary_libraries ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
get_filename_component(_estuary_prefix ${_estuary_libraries}/../.. ABSOLUTE)

if(NOT TARGET estuary::robot_client)
  add_library(estuary::robot_firmware INTERFACE IMPORTED)
  set_target_properties(estuary::robot_firmware PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${_estuary_prefix}/include)

  add_library(estuary::robot_frames STATIC IMPORTED)
  set_target_properties(estuary::robot_frames PROPERTIES
    IMPORTED_LOCATION ${_estuary_libraries}/libestuary_robot_frames.a
    INTERFACE_LINK_LIBRARIES Threads::Threads)

  add_library(estuary::robot_client SHARED IMPORTED)
  set_target_properties(estuary::robot_client PROPERTIES
    IMPORTED_LOCATION ${_estuary_libraries}/libestuary_robot_client.so
    INTERFACE_LINK_LIBRARIES Threads::Threads)

  foreach(_estuary_target robot_frames robot_client)
    set_target_properties(estuary::${_estuary_target} PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES ${_estuary_prefix}/include/estuary
      INTERFACE_COMPILE_FEATURES cxx_std_20)
  endforeach()
endif()
