#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dcgan/export.h"
#include "dcgan/options.h"

namespace dcgan {

/// The bytes of a pixel, in order. Alpha is dropped; grey stands for three equal values.
enum class PixelFormat { kRgb, kBgr, kRgba, kGrey };

template <>
struct EnumNames<PixelFormat> {
  static constexpr std::array<std::string_view, 4> kNames = {"rgb", "bgr", "rgba", "grey"};
};

/// Somebody else's image of any size: uint8 [H, W, bytes_per_pixel], rows `stride` bytes apart.
struct ImageView {
  const uint8_t* pixels = nullptr;
  int64_t width = 0;   ///< W, pixels
  int64_t height = 0;  ///< H, pixels
  int64_t stride = 0;  ///< bytes from one row to the next; 0: rows lie one behind the other
  PixelFormat format = PixelFormat::kRgb;

  int64_t bytes_per_pixel() const { return format == PixelFormat::kRgba ? 4 : format == PixelFormat::kGrey ? 1 : 3; }
  int64_t row_bytes() const { return width * bytes_per_pixel(); }
  int64_t row_distance() const { return stride == 0 ? row_bytes() : stride; }
};

/// @throws OptionError unless there are pixels, from 1 x 1 to 2^24 x 2^24, of a known format, and rows do not overlap.
DCGAN_EXPORT void check(const ImageView& image);

}  // namespace dcgan
