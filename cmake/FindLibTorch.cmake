# Finds LibTorch and makes the target Torch::cpu (libtorch_cpu and libc10, with their headers). Where LibTorch has its CUDA
# part and CUDA's own headers are there (tools/setup --cuda, or a toolkit), also Torch::cuda, which links on a machine without
# a GPU, and LIBTORCH_HAS_NCCL.
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
  # Later versions than the one that tools/setup fetches have headers in C++20.
  file(STRINGS "${LIBTORCH_INCLUDE_DIR}/torch/headeronly/version.h" _libtorch_minor REGEX "define TORCH_VERSION_MINOR")
  if(_libtorch_minor MATCHES "MINOR ([0-9]+)" AND CMAKE_MATCH_1 GREATER 11)
    target_compile_features(Torch::cpu INTERFACE cxx_std_20)
  endif()
endif()

if(LibTorch_FOUND AND NOT TARGET Torch::cuda)
  get_filename_component(_libtorch_root "${LIBTORCH_INCLUDE_DIR}" DIRECTORY)
  set(_cuda_headers "${_libtorch_cache}/libdcgan/cuda-headers-13.0/nvidia/cu13/include"
                    "${_libtorch_root}/../nvidia/cu13/include" "${_libtorch_root}/../nvidia/nccl/include"
                    "$ENV{CUDA_HOME}/include" /usr/local/cuda/include)
  find_library(LIBTORCH_CUDA_LIBRARY torch_cuda PATHS "${_libtorch_root}/lib" NO_DEFAULT_PATH)
  find_library(LIBTORCH_C10_CUDA_LIBRARY c10_cuda PATHS "${_libtorch_root}/lib" NO_DEFAULT_PATH)
  find_path(LIBTORCH_CUDA_INCLUDE_DIR crt/host_defines.h PATHS ${_cuda_headers})
  find_path(LIBTORCH_CUDA_MATH_INCLUDE_DIR cusolverDn.h PATHS ${_cuda_headers})
  find_path(LIBTORCH_NCCL_INCLUDE_DIR nccl.h PATHS ${_cuda_headers})
  mark_as_advanced(LIBTORCH_CUDA_LIBRARY LIBTORCH_C10_CUDA_LIBRARY LIBTORCH_CUDA_INCLUDE_DIR
                   LIBTORCH_CUDA_MATH_INCLUDE_DIR LIBTORCH_NCCL_INCLUDE_DIR)
  if(LIBTORCH_CUDA_LIBRARY AND LIBTORCH_C10_CUDA_LIBRARY AND LIBTORCH_CUDA_INCLUDE_DIR)
    add_library(Torch::cuda INTERFACE IMPORTED)
    target_include_directories(Torch::cuda SYSTEM INTERFACE "${LIBTORCH_CUDA_INCLUDE_DIR}")
    target_link_libraries(Torch::cuda INTERFACE "${LIBTORCH_CUDA_LIBRARY}" "${LIBTORCH_C10_CUDA_LIBRARY}" Torch::cpu)
    # LibTorch's classes have NCCL's structs inside: the header must be of the version that it was built with.
    set(LIBTORCH_HAS_NCCL FALSE)
    if(LIBTORCH_NCCL_INCLUDE_DIR AND LIBTORCH_CUDA_MATH_INCLUDE_DIR)
      file(STRINGS "${LIBTORCH_NCCL_INCLUDE_DIR}/nccl.h" _nccl REGEX "#define NCCL_(MAJOR|MINOR) ")
      if(_nccl MATCHES "MAJOR 2;.*MINOR 28")
        set(LIBTORCH_HAS_NCCL TRUE)
        target_include_directories(Torch::cuda SYSTEM INTERFACE "${LIBTORCH_CUDA_MATH_INCLUDE_DIR}"
                                                                "${LIBTORCH_NCCL_INCLUDE_DIR}")
      endif()
    endif()
  endif()
endif()
