#include "features/pixel_input.h"

namespace dcgan::features {

PixelInput::PixelInput(const InputOptions& options) : channels_(options.channels), source_{0, 1, 2}, values_{} {
  if (options.order == ChannelOrder::kBgr) source_ = {2, 1, 0};
  for (size_t c = 0; c < static_cast<size_t>(channels_); ++c) {
    const double mean = options.mean[options.mean.size() > 1 ? c : 0];
    const double deviation = options.deviation[options.deviation.size() > 1 ? c : 0];
    for (size_t x = 0; x < values_[c].size(); ++x) {
      values_[c][x] = mean == 0.5 && deviation == 0.5
                          ? static_cast<float>(x) / 127.5F - 1.0F
                          : static_cast<float>((static_cast<double>(x) / 255 - mean) / deviation);
    }
  }
}

void PixelInput::convert(const uint8_t* rgb, int64_t pixels, float* input) const {
  if (channels_ == 1) {
    for (int64_t p = 0; p < pixels; ++p) input[p] = values_[0][luma(rgb + 3 * p)];
    return;
  }
  for (int64_t p = 0; p < pixels; ++p) {
    for (size_t c = 0; c < 3; ++c) input[3 * p + static_cast<int64_t>(c)] = values_[c][rgb[3 * p + source_[c]]];
  }
}

bool is_grey(const uint8_t* rgb, int64_t pixels) {
  for (const uint8_t* const end = rgb + 3 * pixels; rgb < end; rgb += 3) {
    if (rgb[0] != rgb[1] || rgb[1] != rgb[2]) return false;
  }
  return true;
}

}  // namespace dcgan::features
