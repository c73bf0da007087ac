# `cmake --install`: libdcgan.so with its headers, a CMake package and a pkg-config file (the programs install
# themselves). A user of the library needs no header of LibTorch, OpenCV or HDF5.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/dcgan")
install(TARGETS dcgan EXPORT dcganTargets)
if(TARGET dcgan_cuda)
  install(TARGETS dcgan_cuda)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/libdcgan/include/dcgan" "${PROJECT_BINARY_DIR}/libdcgan/include/dcgan"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(EXPORT dcganTargets NAMESPACE dcgan:: FILE dcganConfig.cmake DESTINATION "${package_dir}")

# Before 1.0 every minor version may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/dcganConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${PROJECT_SOURCE_DIR}/cmake/dcgan.pc.in" "${PROJECT_BINARY_DIR}/dcgan.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/dcganConfigVersion.cmake" DESTINATION "${package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/dcgan.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
