#pragma once

#include <array>
#include <cstdint>

#include "dcgan/architecture.h"

namespace dcgan::features {

/// Whether pixels are scaled as the published networks take them, x / 127.5 - 1.
inline bool has_published_scale(const InputOptions& o) {
  return o.mean == InputOptions().mean && o.deviation == InputOptions().deviation;
}

/// Pixels to a network's input, as InputOptions says: float32 [pixels, channels]. The published scale gives the bits of
/// x / 127.5 - 1 in float32.
class PixelInput {
 public:
  explicit PixelInput(const InputOptions& options);
  int64_t channels() const { return channels_; }
  /// @param rgb  uint8 [pixels, 3]
  void convert(const uint8_t* rgb, int64_t pixels, float* input) const;

 private:
  int64_t channels_;
  std::array<int, 3> source_;  ///< of each channel, in RGB
  std::array<std::array<float, 256>, 3> values_;
};

/// The luma of Pillow's convert("L"), ITU-R 601 in 16 bits; of equal values that value.
inline uint8_t luma(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

/// Whether all pixels have three equal values. @param rgb  uint8 [pixels, 3]
bool is_grey(const uint8_t* rgb, int64_t pixels);

}  // namespace dcgan::features
