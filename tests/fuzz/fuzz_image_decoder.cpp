// libFuzzer target: no bytes may crash the decoder. Seeds: tests/golden/data/images.
#include "data/image_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  dcgan::data::DecodeOptions options;
  options.max_pixels = 1'000'000;
  dcgan::data::decode_image(bytes, size, options);
  return 0;
}
