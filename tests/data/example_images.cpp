#include "tests/data/example_images.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace dcgan::test {

Bytes read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_bytes(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

std::string golden_image(const std::string& name) { return DCGAN_SOURCE_DIR "/tests/golden/data/images/" + name; }

data::RgbImage golden_pixels(const std::string& name) {
  const Bytes bytes = read_bytes(golden_image(name + ".rgb"));
  return {bytes.at(0), bytes.at(1), {bytes.begin() + 2, bytes.end()}};
}

data::DecodedImage decode(const Bytes& bytes, const data::DecodeOptions& options) {
  return data::decode_image(bytes.data(), bytes.size(), options);
}

int largest_difference(const data::RgbImage& a, const data::RgbImage& b) {
  if (a.height != b.height || a.width != b.width || a.pixels.size() != b.pixels.size()) return 256;
  int largest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

}  // namespace dcgan::test
