# `cmake --install`: the libraries with their headers, a CMake package and a pkg-config file (the programs install
# themselves). A user of the library needs no header of LibTorch, OpenCV or HDF5.
include(CMakePackageConfigHelpers)

# For our own programs: no promise is made about these.
set(own_headers keras_arrays keras_file keras_network network_import npy_file png_file released_weights semantic_hash state_dict statistics supervised train_library)
if(NOT DCGAN_TRAINING)
  list(APPEND own_headers models trainer)
endif()
foreach(name IN LISTS own_headers)
  list(APPEND not_installed PATTERN "${name}.h" EXCLUDE)
endforeach()

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/dcgan")
install(TARGETS dcgan EXPORT dcganTargets LIBRARY COMPONENT libraries NAMELINK_COMPONENT development)
install(TARGETS dcgan_images EXPORT dcganTargets LIBRARY COMPONENT images NAMELINK_COMPONENT development)
if(DCGAN_TRAINING)
  install(TARGETS dcgan_train_library EXPORT dcganTrainTargets LIBRARY COMPONENT train)
  install(EXPORT dcganTrainTargets NAMESPACE dcgan:: DESTINATION "${package_dir}" COMPONENT train)
endif()
if(TARGET dcgan_cuda)
  install(TARGETS dcgan_cuda LIBRARY COMPONENT train)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/libdcgan/include/dcgan" "${PROJECT_BINARY_DIR}/libdcgan/include/dcgan"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development FILES_MATCHING PATTERN "*.h" ${not_installed})
install(EXPORT dcganTargets NAMESPACE dcgan:: DESTINATION "${package_dir}" COMPONENT development)
configure_file("${PROJECT_SOURCE_DIR}/cmake/dcganConfig.cmake.in" "${PROJECT_BINARY_DIR}/dcganConfig.cmake" COPYONLY)
install(FILES "${PROJECT_BINARY_DIR}/dcganConfig.cmake" "${PROJECT_BINARY_DIR}/dcganConfigVersion.cmake"
        DESTINATION "${package_dir}" COMPONENT development)

# Before 1.0 every minor version may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/dcganConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
set(pc_names dcgan dcgan-images)
if(DCGAN_TRAINING)
  list(APPEND pc_names dcgan-train)
endif()
foreach(name IN LISTS pc_names)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
  set(component development)
  if(name STREQUAL "dcgan-train")
    set(component train)
  endif()
  install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT ${component})
endforeach()
