# Finds LIBLINEAR (Debian: liblinear-dev) and makes the target LIBLINEAR::LIBLINEAR. As archives where they are there: the
# shared library brings libblas.so.3, whose sgemm_ LibTorch's own matrix products would be bound to in a program that
# opens libdcgan_train.so after it (slower, and of other bits).
find_path(LIBLINEAR_INCLUDE_DIR linear.h PATH_SUFFIXES liblinear)
find_library(LIBLINEAR_LIBRARY NAMES liblinear.a linear)
find_library(LIBLINEAR_BLAS_LIBRARY NAMES libblas.a blas)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LIBLINEAR REQUIRED_VARS LIBLINEAR_LIBRARY LIBLINEAR_BLAS_LIBRARY
                                                          LIBLINEAR_INCLUDE_DIR
                                  REASON_FAILURE_MESSAGE "install liblinear-dev, or run tools/setup")
mark_as_advanced(LIBLINEAR_INCLUDE_DIR LIBLINEAR_LIBRARY LIBLINEAR_BLAS_LIBRARY)
if(LIBLINEAR_FOUND AND NOT TARGET LIBLINEAR::LIBLINEAR)
  add_library(LIBLINEAR::LIBLINEAR UNKNOWN IMPORTED)
  set_target_properties(LIBLINEAR::LIBLINEAR PROPERTIES IMPORTED_LOCATION "${LIBLINEAR_LIBRARY}"
                                                        INTERFACE_LINK_LIBRARIES "${LIBLINEAR_BLAS_LIBRARY}"
                                                        INTERFACE_INCLUDE_DIRECTORIES "${LIBLINEAR_INCLUDE_DIR}")
endif()
