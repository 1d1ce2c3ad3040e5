# Every third-party package, in one place. Debian's packages come from the system; LibTorch and MuJoCo
# from .deps/, where scripts/setup unpacks them from their wheels (versions in scripts/versions.env).
find_package(Threads REQUIRED)
find_package(absl CONFIG REQUIRED)
if(NOT ESTUARY_ROLES STREQUAL "core")
  find_package(Protobuf REQUIRED)
  find_package(gRPC CONFIG REQUIRED)
  find_package(prometheus-cpp CONFIG REQUIRED)
  find_package(spdlog CONFIG REQUIRED)
  find_package(Eigen3 CONFIG REQUIRED)
  find_package(nlohmann_json CONFIG REQUIRED)
  find_package(OpenSSL REQUIRED)
endif()
# A robot's computer has no datasets.
if(NOT ESTUARY_ROLES MATCHES "^(bridge|core)$")
  find_package(HDF5 COMPONENTS C)
endif()

# Stubs are generated here, whatever they are compiled for; Debian's releases have one version of both.
if(CMAKE_CROSSCOMPILING)
  find_program(ESTUARY_GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
  set_target_properties(gRPC::grpc_cpp_plugin PROPERTIES IMPORTED_LOCATION_NONE ${ESTUARY_GRPC_CPP_PLUGIN}
                                                         IMPORTED_LOCATION ${ESTUARY_GRPC_CPP_PLUGIN})
endif()

set(ESTUARY_DEPS ${PROJECT_SOURCE_DIR}/.deps CACHE PATH "Where scripts/setup unpacked LibTorch and MuJoCo")

function(estuary_require path what)
  if(NOT EXISTS ${path})
    message(FATAL_ERROR "${what} is not at ${path}: run scripts/setup, or set ESTUARY_DEPS")
  endif()
endfunction()

# estuary::mujoco — the simulator; worlds and the robot emulator link it.
if(ESTUARY_ROLES MATCHES "all|actor|cli|bridge_emulator")
  file(GLOB mujoco_library ${ESTUARY_DEPS}/mujoco/libmujoco.so.*)
  estuary_require("${mujoco_library}" MuJoCo)
  add_library(estuary::mujoco SHARED IMPORTED GLOBAL)
  set_target_properties(estuary::mujoco PROPERTIES IMPORTED_LOCATION ${mujoco_library})
  target_include_directories(estuary::mujoco SYSTEM INTERFACE ${ESTUARY_DEPS}/mujoco/include)
endif()

# estuary::torch — LibTorch for the learner alone. Linked without libtorch_cuda, which a plugin loads
# at run time where there is a GPU; the CUDA runtime it names must still resolve.
if(ESTUARY_ROLES MATCHES "^(all|core)$" OR "learner" IN_LIST ESTUARY_ROLES)
  set(torch ${ESTUARY_DEPS}/torch)
  estuary_require(${torch}/lib/libtorch_cpu.so LibTorch)
  add_library(estuary_torch INTERFACE)
  add_library(estuary::torch ALIAS estuary_torch)
  target_include_directories(estuary_torch SYSTEM INTERFACE ${torch}/include
                             ${torch}/include/torch/csrc/api/include)
  target_link_libraries(estuary_torch INTERFACE ${torch}/lib/libtorch_cpu.so ${torch}/lib/libc10.so)
  target_link_options(estuary_torch INTERFACE -Wl,-rpath,${torch}/lib -Wl,-rpath-link,${torch}/lib)
endif()
