#include "dcgan/png_file.h"

#include <png.h>

#include <algorithm>
#include <vector>

#include "base/files.h"
#include "dcgan/errors.h"

namespace dcgan {

std::string png_grid(const ImageBatch& images, int64_t columns, const std::string& name) {
  constexpr int64_t kMaximumSide = 30000;  // pixels; keeps the picture below 3 GB and libpng's own limits far
  const int64_t count = images.height > 0 && images.width > 0
                            ? static_cast<int64_t>(images.pixels.size()) / (images.height * images.width * 3)
                            : 0;
  if (count < 1 || columns < 1 ||
      static_cast<int64_t>(images.pixels.size()) != count * images.height * images.width * 3) {
    throw FileError(name,
                    "cannot be written: a grid needs at least one image, one column, and H * W * 3 bytes an image.");
  }
  columns = std::min(columns, count);
  const int64_t rows = (count + columns - 1) / columns;
  const int64_t height = rows * (images.height + 1) - 1;
  const int64_t width = columns * (images.width + 1) - 1;
  if (height > kMaximumSide || width > kMaximumSide) {
    throw FileError(name, "cannot be written: ", width, " x ", height, " pixels, at most 30000 a side are allowed.");
  }
  std::vector<uint8_t> picture(height * width * 3, 255);
  const int64_t line = images.width * 3;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t top = i / columns * (images.height + 1);
    const int64_t left = i % columns * (images.width + 1);
    for (int64_t y = 0; y < images.height; ++y) {
      std::copy_n(images.pixels.data() + (i * images.height + y) * line, line,
                  picture.data() + ((top + y) * width + left) * 3);
    }
  }

  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(width);
  png.height = static_cast<png_uint_32>(height);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string file(bytes, '\0');
  if (png_image_write_to_memory(&png, file.data(), &bytes, 0, picture.data(), 0, nullptr) == 0) {
    throw FileError(name, "cannot be written: ", png.message, ".");
  }
  file.resize(bytes);
  return file;
}

void write_png_grid(const std::string& path, const ImageBatch& images, int64_t columns) {
  const std::string file = png_grid(images, columns, path);
  base::write_whole_file(path, [&](const base::File& out) { out.write_at(0, file.data(), file.size()); });
}

}  // namespace dcgan
