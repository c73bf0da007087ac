#include "dcgan/image_files.h"

#include <utility>

#include "data/image_decoder.h"

namespace dcgan {
namespace {

data::DecodeOptions options_of(int64_t most_pixels) {
  data::DecodeOptions options;
  options.max_pixels = most_pixels;
  data::check(options);
  return options;
}

LoadedImage loaded(data::DecodedImage decoded, const std::string& name) {
  if (!decoded.ok()) throw ImageError(name, decoded.failure);
  return {decoded.image.width, decoded.image.height, std::move(decoded.image.pixels)};
}

}  // namespace

LoadedImage load_image(const std::string& path, int64_t most_pixels) {
  return loaded(data::decode_image_file(path, options_of(most_pixels)), path + ": ");
}

LoadedImage load_image(const uint8_t* bytes, size_t size, int64_t most_pixels) {
  if (bytes == nullptr) throw OptionError("there are no bytes of an image: the pointer is null.");
  return loaded(data::decode_image(bytes, size, options_of(most_pixels)), "");
}

}  // namespace dcgan
