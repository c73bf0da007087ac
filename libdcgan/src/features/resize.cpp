#include "dcgan/resize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "dcgan/errors.h"

// Each output is made by the operations of OpenCV 4's modules/imgproc/src/resize.cpp, in their order, so that the bits
// are the same; only the outputs inside the crop are made.
namespace dcgan {
namespace {

// Where the values of a pixel lie.
struct Channels {
  int64_t step;  ///< bytes per pixel
  std::array<int64_t, 3> of_rgb;
};

Channels channels_of(const ImageView& image) {
  switch (image.format) {
    case PixelFormat::kBgr:
      return {3, {2, 1, 0}};
    case PixelFormat::kRgba:
      return {4, {0, 1, 2}};
    case PixelFormat::kGrey:
      return {1, {0, 0, 0}};
    case PixelFormat::kRgb:
      break;
  }
  return {3, {0, 1, 2}};
}

// One side of an image before and after the resize, and which part of the result is wanted.
struct Side {
  int64_t from, to;
  int64_t first, count;

  double scale() const { return 1.0 / (static_cast<double>(to) / static_cast<double>(from)); }
  /// Whether each pixel of the result covers a whole number of pixels.
  bool is_whole() const { return std::abs(scale() - std::floor(scale())) < std::numeric_limits<double>::epsilon(); }
};

constexpr int kWeightBits = 11;  // INTER_RESIZE_COEF_BITS

// The two pixels that one of the result lies between, with weights of 11 bits.
struct LinearTap {
  int64_t low, high;
  int low_weight, high_weight;
};

// @param at_edge  what lies beyond the first and the last pixel counts as these with a weight of one (columns); or as
// their repetition, with both weights (rows)
std::vector<LinearTap>& linear_taps(const Side& side, bool at_edge, std::vector<LinearTap>& taps) {
  taps.clear();
  for (int64_t i = side.first; i < side.first + side.count; ++i) {
    auto place = static_cast<float>((static_cast<double>(i) + 0.5) * side.scale() - 0.5);
    auto low = static_cast<int64_t>(std::floor(place));
    place -= static_cast<float>(low);
    if (at_edge && low < 0) low = 0, place = 0;
    if (at_edge && low >= side.from - 1) low = side.from - 1, place = 0;
    const auto weight = [](float w) { return static_cast<int>(std::lrint(w * (1 << kWeightBits))); };
    taps.push_back({std::clamp<int64_t>(low, 0, side.from - 1), std::clamp<int64_t>(low + 1, 0, side.from - 1),
                    weight(1.0F - place), weight(place)});
  }
  return taps;
}

void resize_linearly(const ImageView& image, const Side& height, const Side& width, uint8_t* out) {
  thread_local std::vector<LinearTap> rows, columns;
  const Channels channels = channels_of(image);
  linear_taps(height, false, rows);
  for (LinearTap& x : linear_taps(width, true, columns)) x.low *= channels.step, x.high *= channels.step;
  for (const LinearTap& y : rows) {
    const uint8_t* const upper = image.pixels + y.low * image.row_distance();
    const uint8_t* const lower = image.pixels + y.high * image.row_distance();
    for (const LinearTap& x : columns) {
      for (const int64_t c : channels.of_rgb) {
        const int above = upper[x.low + c] * x.low_weight + upper[x.high + c] * x.high_weight;
        const int below = lower[x.low + c] * x.low_weight + lower[x.high + c] * x.high_weight;
        const int sum = (y.low_weight * (above >> 4) >> 16) + (y.high_weight * (below >> 4) >> 16);
        *out++ = static_cast<uint8_t>((sum + 2) >> 2);
      }
    }
  }
}

// A pixel, the one of the result that a part of it falls on (counted from the first wanted), and that part's share.
struct AreaTap {
  int64_t from, to;
  float share;
};

std::vector<AreaTap>& area_taps(const Side& side, std::vector<AreaTap>& taps) {
  taps.clear();
  const double scale = side.scale();
  constexpr double kLeast = 1e-3;
  for (int64_t i = 0; i < side.count; ++i) {
    const double begin = static_cast<double>(side.first + i) * scale, end = begin + scale;
    const double cell = std::min(scale, static_cast<double>(side.from) - begin);
    const int64_t last = std::min(static_cast<int64_t>(std::floor(end)), side.from - 1);
    const int64_t whole = std::min(static_cast<int64_t>(std::ceil(begin)), last);
    const double before = static_cast<double>(whole) - begin, after = end - static_cast<double>(last);
    if (before > kLeast) taps.push_back({whole - 1, i, static_cast<float>(before / cell)});
    for (int64_t from = whole; from < last; ++from) taps.push_back({from, i, static_cast<float>(1.0 / cell)});
    if (after > kLeast) taps.push_back({last, i, static_cast<float>(std::min(std::min(after, 1.0), cell) / cell)});
  }
  return taps;
}

void resize_by_area(const ImageView& image, const Side& height, const Side& width, uint8_t* out) {
  thread_local std::vector<AreaTap> rows, columns;
  thread_local std::vector<float> row, sums;
  const Channels channels = channels_of(image);
  area_taps(height, rows);
  for (AreaTap& x : area_taps(width, columns)) x.from *= channels.step, x.to *= 3;
  sums.assign(3 * width.count, 0);
  for (size_t i = 0; i < rows.size(); ++i) {
    row.assign(sums.size(), 0);
    const uint8_t* const pixels = image.pixels + rows[i].from * image.row_distance();
    for (const AreaTap& x : columns) {
      for (size_t c = 0; c < 3; ++c) {
        row[static_cast<size_t>(x.to) + c] += static_cast<float>(pixels[x.from + channels.of_rgb[c]]) * x.share;
      }
    }
    for (size_t c = 0; c < row.size(); ++c) sums[c] += rows[i].share * row[c];
    if (i + 1 < rows.size() && rows[i + 1].to == rows[i].to) continue;
    for (float& sum : sums) {
      *out++ = static_cast<uint8_t>(std::clamp<long>(std::lrint(sum), 0, 255));
      sum = 0;
    }
  }
}

// A whole number of pixels on each of the result: sums of integers.
void average_blocks(const ImageView& image, const Side& height, const Side& width, uint8_t* out) {
  const Channels channels = channels_of(image);
  const auto rows = static_cast<int64_t>(height.scale()), columns = static_cast<int64_t>(width.scale());
  const float share = 1.0F / static_cast<float>(rows * columns);
  for (int64_t y = height.first; y < height.first + height.count; ++y) {
    for (int64_t x = width.first; x < width.first + width.count; ++x) {
      std::array<int, 3> sums{};
      for (int64_t v = y * rows; v < (y + 1) * rows; ++v) {
        const uint8_t* pixel = image.pixels + v * image.row_distance() + x * columns * channels.step;
        for (int64_t u = 0; u < columns; ++u, pixel += channels.step) {
          for (size_t c = 0; c < 3; ++c) sums[c] += pixel[channels.of_rgb[c]];
        }
      }
      for (const int sum : sums) {
        *out++ = static_cast<uint8_t>(rows == 2 && columns == 2 ? (sum + 2) >> 2
                                                                : std::lrint(static_cast<float>(sum) * share));
      }
    }
  }
}

void crop(const ImageView& image, const Side& height, const Side& width, uint8_t* out) {
  const Channels channels = channels_of(image);
  for (int64_t y = height.first; y < height.first + height.count; ++y) {
    const uint8_t* pixel = image.pixels + y * image.row_distance() + width.first * channels.step;
    for (int64_t x = 0; x < width.count; ++x, pixel += channels.step) {
      for (const int64_t c : channels.of_rgb) *out++ = pixel[c];
    }
  }
}

}  // namespace

void check(const ImageView& image) {
  constexpr int64_t kLongest = int64_t{1} << 24;
  if (image.width < 1 || image.height < 1 || image.width > kLongest || image.height > kLongest) {
    throw OptionError("an image is ", image.width, " x ", image.height, " pixels; sides are from 1 to ", kLongest, '.');
  }
  if (image.pixels == nullptr) throw OptionError("an image has no pixels: its pointer is null.");
  if (image.format < PixelFormat::kRgb || image.format > PixelFormat::kGrey) {
    throw OptionError("an image has the pixel format ", static_cast<int>(image.format),
                      "; there are 0 (RGB), 1 (BGR), 2 (RGBA) and 3 (grey).");
  }
  if (image.row_distance() < image.row_bytes()) {
    throw OptionError("the stride is ", image.stride, " bytes; a row of pixels takes ", image.row_bytes(), '.');
  }
}

void check(const ResizeOptions& options) {
  constexpr int64_t kLargest = 4096;
  require_option(options.size >= 1 && options.size <= kLargest, "size", options.size,
                 text_of("from 1 to ", kLargest, " pixels"));
  require_option(
      options.shorter_side == 0 || (options.shorter_side >= options.size && options.shorter_side <= kLargest),
      "shorter-side", options.shorter_side, text_of("0 (--size), or from --size (", options.size, ") to ", kLargest));
}

ResizedSize resized_size(int64_t height, int64_t width, int64_t size) {
  const auto [shorter, longer] = std::minmax(height, width);
  // The authors divide first: where longer * size / shorter ends in .5, the order of the operations decides.
  const double ratio = static_cast<double>(longer) / static_cast<double>(shorter);
  const int64_t other = std::lround(ratio * static_cast<double>(size));
  return height <= width ? ResizedSize{size, other} : ResizedSize{other, size};
}

int64_t crop_offset(int64_t side, int64_t size) { return std::lround(static_cast<double>(side - size) / 2.0); }

void resize_and_crop(const ImageView& image, const ResizeOptions& options, uint8_t* square) {
  const int64_t size = options.size;
  const int64_t shorter = std::min(image.height, image.width);
  const ResizedSize target = shorter == options.side() ? ResizedSize{image.height, image.width}
                                                       : resized_size(image.height, image.width, options.side());
  const Side height{image.height, target.height, crop_offset(target.height, size), size};
  const Side width{image.width, target.width, crop_offset(target.width, size), size};
  const bool by_area = options.resize == ResizeFilter::kArea && shorter > options.side();
  if (shorter == options.side()) {
    crop(image, height, width, square);
  } else if (by_area && height.is_whole() && width.is_whole()) {
    average_blocks(image, height, width, square);
  } else if (by_area) {
    resize_by_area(image, height, width, square);
  } else {
    resize_linearly(image, height, width, square);
  }
}

std::string resize_description(const ResizeOptions& options) {
  const nlohmann::ordered_json description = {{"size", options.size},
                                              {"shorter_side_to", options.side()},
                                              {"resize", to_name(options.resize)},
                                              {"crop", "centre, offset rounded half away from zero"}};
  return description.dump();
}

}  // namespace dcgan
