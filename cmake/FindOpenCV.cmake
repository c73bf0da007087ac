# Finds the OpenCV modules asked for as components and makes a target opencv_MODULE for each; OpenCV_LIBS lists them.
#
# Debian ships OpenCV's own package file only in libopencv-dev, which demands every module: 220 packages and 620 MB
# more than the three modules that are used here.
find_path(OpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
set(OpenCV_LIBS)
set(_opencv_required OpenCV_INCLUDE_DIR)
foreach(module IN LISTS OpenCV_FIND_COMPONENTS)
  find_library(OpenCV_${module}_LIBRARY opencv_${module})
  mark_as_advanced(OpenCV_${module}_LIBRARY)
  list(APPEND OpenCV_LIBS opencv_${module})
  list(APPEND _opencv_required OpenCV_${module}_LIBRARY)
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  OpenCV REQUIRED_VARS ${_opencv_required}
  REASON_FAILURE_MESSAGE "install libopencv-{core,imgproc,imgcodecs}-dev, or run tools/setup")
mark_as_advanced(OpenCV_INCLUDE_DIR)

if(OpenCV_FOUND)
  foreach(module IN LISTS OpenCV_FIND_COMPONENTS)
    if(NOT TARGET opencv_${module})
      add_library(opencv_${module} UNKNOWN IMPORTED)
      set_target_properties(opencv_${module} PROPERTIES IMPORTED_LOCATION "${OpenCV_${module}_LIBRARY}"
                                                        INTERFACE_INCLUDE_DIRECTORIES "${OpenCV_INCLUDE_DIR}")
    endif()
  endforeach()
endif()
