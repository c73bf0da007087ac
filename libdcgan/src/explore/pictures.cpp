#include "dcgan/pictures.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "dcgan/errors.h"

namespace dcgan {
namespace {

ImageBatch blank_images(int64_t count, int64_t height, int64_t width) {
  ImageBatch images;
  images.height = height;
  images.width = width;
  images.pixels.assign(count * height * width * 3, 255);
  for (int64_t i = 0; i < count; ++i) images.paths.push_back(std::to_string(i));
  return images;
}

uint8_t to_pixel(double value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

}  // namespace

ImageBatch enlarged(const ImageBatch& images, int64_t factor) {
  ImageBatch large = blank_images(images.count(), images.height * factor, images.width * factor);
  large.paths = images.paths;
  uint8_t* to = large.pixels.data();
  for (int64_t y = 0; y < images.count() * large.height; ++y) {
    const uint8_t* const row = images.pixels.data() + y / factor * images.width * 3;
    for (int64_t x = 0; x < large.width; ++x, to += 3) std::copy_n(row + x / factor * 3, 3, to);
  }
  return large;
}

ImageBatch chosen_images(const ImageBatch& images, const std::vector<int64_t>& numbers) {
  ImageBatch chosen = blank_images(0, images.height, images.width);
  const int64_t size = images.height * images.width * 3;
  for (const int64_t number : numbers) {
    const auto begin = images.pixels.begin() + number * size;
    chosen.pixels.insert(chosen.pixels.end(), begin, begin + size);
    chosen.paths.push_back(images.paths[number]);
  }
  return chosen;
}

void append_images(ImageBatch& all, const ImageBatch& more) {
  if (all.paths.empty()) all = blank_images(0, more.height, more.width);
  if (all.height != more.height || all.width != more.width) throw Error("images of two sizes share no grid.");
  all.pixels.insert(all.pixels.end(), more.pixels.begin(), more.pixels.end());
  all.paths.insert(all.paths.end(), more.paths.begin(), more.paths.end());
}

ImageBatch beside(const ImageBatch& left, const ImageBatch& right, int64_t columns) {
  const int64_t rows = (std::max(left.count(), right.count()) + columns - 1) / columns;
  const ImageBatch blank = blank_images(1, left.height, left.width);
  ImageBatch all;
  for (int64_t row = 0; row < rows; ++row) {
    for (const ImageBatch* side : {&left, &right}) {
      for (int64_t i = row * columns; i < (row + 1) * columns; ++i) {
        append_images(all, i < side->count() ? chosen_images(*side, {i}) : blank);
      }
      if (side == &left) append_images(all, blank);
    }
  }
  return all;
}

ImageBatch images_of_values(const std::vector<float>& values, int64_t size) {
  const int64_t pixels = size * size;
  const auto count = static_cast<int64_t>(values.size()) / (3 * pixels);
  ImageBatch images = blank_images(count, size, size);
  for (int64_t i = 0; i < count; ++i) {
    const float* const from = values.data() + i * 3 * pixels;
    double largest = 0;
    for (int64_t j = 0; j < 3 * pixels; ++j) largest = std::max(largest, std::fabs(double{from[j]}));
    const double scale = largest > 0 ? 127.5 / largest : 0;
    for (int64_t j = 0; j < 3 * pixels; ++j) {
      const int64_t channel = j / pixels;
      images.pixels[(i * pixels + j % pixels) * 3 + channel] = to_pixel(127.5 + scale * double{from[j]});
    }
  }
  return images;
}

ImageBatch heat_maps(const ImageBatch& image, const std::vector<float>& maps, int64_t size) {
  constexpr double kDark = 0.15;  // of the image's own brightness, where the map is 0
  const int64_t cells = size * size, factor = image.height / size;
  const auto count = static_cast<int64_t>(maps.size()) / cells;
  ImageBatch all = blank_images(count, image.height, image.width);
  for (int64_t i = 0; i < count; ++i) {
    const float* const map = maps.data() + i * cells;
    const double largest = std::max(double{*std::max_element(map, map + cells)}, 0.0);
    for (int64_t p = 0; p < image.height * image.width; ++p) {
      const int64_t y = p / image.width, x = p % image.width;
      const double value = std::max(double{map[y / factor * size + x / factor]}, 0.0);
      const double light = kDark + (1 - kDark) * (largest > 0 ? value / largest : 0);
      for (int64_t c = 0; c < 3; ++c) {
        all.pixels[(i * image.height * image.width + p) * 3 + c] = to_pixel(light * image.pixels[p * 3 + c]);
      }
    }
  }
  return all;
}

std::vector<float> network_input(const ImageBatch& images) {
  const int64_t pixels = images.height * images.width;
  std::vector<float> values(images.pixels.size());
  for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i) {
    const int64_t image = i / (3 * pixels), channel = i / pixels % 3, pixel = i % pixels;
    values[i] = static_cast<float>(images.pixels[(image * pixels + pixel) * 3 + channel]) / 127.5f - 1;
  }
  return values;
}

ImageBatch weighted_sum(const ImageBatch& images, const std::vector<double>& weights) {
  ImageBatch sum = blank_images(1, images.height, images.width);
  const size_t size = sum.pixels.size();
  for (size_t i = 0; i < size; ++i) {
    double value = 0;
    for (size_t image = 0; image < weights.size(); ++image) value += weights[image] * images.pixels[image * size + i];
    sum.pixels[i] = to_pixel(value);
  }
  return sum;
}

}  // namespace dcgan
