# `cpack -G DEB` in the binary folder: libdcgan0, libdcgan-images0 (with OpenCV behind it), libdcgan-dev, dcgan-tools and, with
# LibTorch inside, dcgan-train.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "libdcgan authors")
set(CPACK_PACKAGE_CONTACT "libdcgan authors <libdcgan@example.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "image features without labels")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL libraries images development tools)
if(libtorch_licenses)
  list(APPEND CPACK_COMPONENTS_ALL train)
elseif(DCGAN_TRAINING)
  message(STATUS "No package dcgan-train: ${LIBTORCH_CPU_LIBRARY} has no licences beside it; tools/setup unpacks them")
endif()
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/libdcgan")
if(libtorch_licenses)
  list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${libtorch_dir}" "${libtorch_root}/nvidia/cu13/lib")
endif()

set(CPACK_DEBIAN_LIBRARIES_PACKAGE_NAME "libdcgan${PROJECT_VERSION_MAJOR}")
set(CPACK_DEBIAN_LIBRARIES_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBRARIES_DESCRIPTION
    "The discriminator of a DCGAN makes features of images; linear classifiers
make classes of these.")

set(CPACK_DEBIAN_IMAGES_PACKAGE_NAME "libdcgan-images${PROJECT_VERSION_MAJOR}")
set(CPACK_DEBIAN_IMAGES_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_IMAGES_PACKAGE_DEPENDS "${CPACK_DEBIAN_LIBRARIES_PACKAGE_NAME} (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_IMAGES_DESCRIPTION
    "The shared library that decodes image files for libdcgan, with OpenCV.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libdcgan-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${CPACK_DEBIAN_IMAGES_PACKAGE_NAME} (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "Headers for C++ and C, and what CMake and pkg-config read.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME dcgan-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "${CPACK_DEBIAN_IMAGES_PACKAGE_NAME} (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION
    "Programs that prepare images, extract their features and evaluate them,
with the models.")

set(CPACK_DEBIAN_TRAIN_PACKAGE_NAME dcgan-train)
set(CPACK_DEBIAN_TRAIN_PACKAGE_DEPENDS "${CPACK_DEBIAN_TOOLS_PACKAGE_NAME} (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_TRAIN_DESCRIPTION
    "Programs that train and explore DCGANs, the library behind them, and a
LibTorch of their own, for processors.")

# Packages with libraries renew the loader's cache.
file(WRITE "${PROJECT_BINARY_DIR}/triggers" "activate-noawait ldconfig\n")
foreach(component LIBRARIES IMAGES TOOLS TRAIN)
  set(CPACK_DEBIAN_${component}_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/triggers")
endforeach()
# In the place of the list that CPack makes: LibTorch's libraries are for nobody else.
file(WRITE "${PROJECT_BINARY_DIR}/shlibs"
     "libdcgan_train ${PROJECT_VERSION_MAJOR} ${CPACK_DEBIAN_TRAIN_PACKAGE_NAME} (= ${PROJECT_VERSION})\n")
list(APPEND CPACK_DEBIAN_TRAIN_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/shlibs")
include(CPack)

# What Debian wants beside each package.
file(READ "${PROJECT_SOURCE_DIR}/LICENSE" license)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  set(copyright "${PROJECT_BINARY_DIR}/copyright-${component}")
  file(WRITE "${copyright}" "${license}")
  if(component STREQUAL "train")
    file(APPEND "${copyright}" "\nLibTorch in /usr/${CMAKE_INSTALL_LIBDIR}/dcgan/torch and CUDA's two libraries in /usr/${CMAKE_INSTALL_LIBDIR}/dcgan/nvidia, which it asks for, come\n"
         "unchanged but for their symbol tables from the wheels of PyPI that are named in /usr/${CMAKE_INSTALL_LIBDIR}/dcgan/*.dist-info, where\n"
         "their licenses are, with those of what LibTorch has inside.\n")
  endif()
  install(FILES "${copyright}" RENAME copyright COMPONENT ${component} EXCLUDE_FROM_ALL
          DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
endforeach()
