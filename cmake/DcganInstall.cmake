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
  install(TARGETS dcgan_cuda LIBRARY COMPONENT cuda)
endif()
# LibTorch goes with what trains, unless it is the system's own: an installed tree needs nothing of the place where it was
# built. Its folders stand to each other as its own RPATH expects.
if(DCGAN_TRAINING AND NOT LIBTORCH_CPU_LIBRARY MATCHES "^/(usr/)?lib(32|64)?/")
  get_filename_component(libtorch_dir "${LIBTORCH_CPU_LIBRARY}" DIRECTORY)
  get_filename_component(libtorch_root "${libtorch_dir}/../.." ABSOLUTE)
  set(libtorch_installed "${CMAKE_INSTALL_LIBDIR}/dcgan")
  file(GLOB libtorch_libraries "${libtorch_dir}/libtorch_cpu.so*" "${libtorch_dir}/libc10.so*" "${libtorch_dir}/libgomp*.so*")
  file(GLOB libtorch_cuda_libraries "${libtorch_root}/nvidia/cu13/lib/libcudart.so*"
       "${libtorch_root}/nvidia/cu13/lib/libcupti.so*")
  install(FILES ${libtorch_libraries} DESTINATION "${libtorch_installed}/torch/lib" COMPONENT train)
  install(FILES ${libtorch_cuda_libraries} DESTINATION "${libtorch_installed}/nvidia/cu13/lib" COMPONENT train)
  file(GLOB libtorch_licenses RELATIVE "${libtorch_root}" "${libtorch_root}/torch-*.dist-info/licenses"
       "${libtorch_root}/nvidia_cuda_runtime-*.dist-info/licenses" "${libtorch_root}/nvidia_cuda_cupti-*.dist-info/licenses")
  foreach(folder IN LISTS libtorch_licenses)
    get_filename_component(wheel "${folder}" DIRECTORY)
    install(DIRECTORY "${libtorch_root}/${folder}" DESTINATION "${libtorch_installed}/${wheel}" COMPONENT train)
  endforeach()
  install(CODE "if(CMAKE_INSTALL_DO_STRIP)
                  file(GLOB_RECURSE libtorch_carried \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${libtorch_installed}/*.so*\")
                  execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-unneeded \${libtorch_carried} COMMAND_ERROR_IS_FATAL ANY)
                endif()" COMPONENT train)
  if(TARGET dcgan_cuda AND EXISTS "${libtorch_root}/nvidia/cudnn")  # gigabytes, which tools/setup --cuda has brought
    install(DIRECTORY "${libtorch_dir}/" DESTINATION "${libtorch_installed}/torch/lib" COMPONENT cuda FILES_MATCHING PATTERN "*.so*")
    install(DIRECTORY "${libtorch_root}/nvidia" DESTINATION "${libtorch_installed}" COMPONENT cuda FILES_MATCHING PATTERN "*.so*")
  endif()
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
