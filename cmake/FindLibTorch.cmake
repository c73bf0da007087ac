# Finds LibTorch and makes the targets Torch::cpu (libtorch_cpu and libc10, with their headers).
#
# Looked at, in this order: LIBTORCH_ROOT (variable or environment), the cache that tools/setup fills, and
# CMAKE_PREFIX_PATH with the system's folders. Each may be an official LibTorch folder or the unpacked PyPI wheel (its `torch` folder).
# The TorchConfig.cmake of the wheel is not used: it insists on a CUDA toolkit.
set(DCGAN_LIBTORCH_VERSION 2.11.0)
if(DEFINED ENV{XDG_CACHE_HOME})
  set(_libtorch_cache "$ENV{XDG_CACHE_HOME}")
else()
  set(_libtorch_cache "$ENV{HOME}/.cache")
endif()
set(_libtorch_roots ${LIBTORCH_ROOT} $ENV{LIBTORCH_ROOT}
                    "${_libtorch_cache}/libdcgan/libtorch-${DCGAN_LIBTORCH_VERSION}/torch")

# First the folders above alone; a call that has found nothing looks everywhere.
foreach(_libtorch_only NO_DEFAULT_PATH "")
  find_path(LIBTORCH_INCLUDE_DIR ATen/ATen.h PATHS ${_libtorch_roots} PATH_SUFFIXES include ${_libtorch_only})
  find_library(LIBTORCH_CPU_LIBRARY torch_cpu PATHS ${_libtorch_roots} PATH_SUFFIXES lib ${_libtorch_only})
  find_library(LIBTORCH_C10_LIBRARY c10 PATHS ${_libtorch_roots} PATH_SUFFIXES lib ${_libtorch_only})
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  LibTorch
  REQUIRED_VARS LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY LIBTORCH_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run tools/setup, or set LIBTORCH_ROOT to a LibTorch ${DCGAN_LIBTORCH_VERSION} folder")
mark_as_advanced(LIBTORCH_INCLUDE_DIR LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY)

if(LibTorch_FOUND AND NOT TARGET Torch::cpu)
  add_library(Torch::c10 SHARED IMPORTED)
  set_target_properties(Torch::c10 PROPERTIES IMPORTED_LOCATION "${LIBTORCH_C10_LIBRARY}")
  add_library(Torch::cpu SHARED IMPORTED)
  set_target_properties(
    Torch::cpu
    PROPERTIES IMPORTED_LOCATION "${LIBTORCH_CPU_LIBRARY}"
               INTERFACE_SYSTEM_INCLUDE_DIRECTORIES
               "${LIBTORCH_INCLUDE_DIR};${LIBTORCH_INCLUDE_DIR}/torch/csrc/api/include"
               INTERFACE_INCLUDE_DIRECTORIES
               "${LIBTORCH_INCLUDE_DIR};${LIBTORCH_INCLUDE_DIR}/torch/csrc/api/include"
               INTERFACE_LINK_LIBRARIES Torch::c10)
endif()
