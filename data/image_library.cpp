#include "data/image_library.h"

#include "base/plugin.h"
#include "dcgan/version.h"

namespace dcgan::data {

const ImageLibrary& image_library() {
  static std::string reason;
  static const ImageLibrary* const library = []() -> const ImageLibrary* {
    void* const function = plugin_function("libdcgan_images.so." DCGAN_SOVERSION, kImageLibraryFunction, reason);
    return function == nullptr ? nullptr : reinterpret_cast<ImageLibraryFunction*>(function)();
  }();
  if (library != nullptr) return *library;
  throw Error("images are decoded by libdcgan_images.so, which cannot be used: ", reason,
              "; install it beside libdcgan.so.");
}

}  // namespace dcgan::data
