#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "dcgan/export.h"
#include "dcgan/image_view.h"
#include "dcgan/options.h"

namespace dcgan {

/// How images are made smaller. kLinear is the authors' (cv2.resize, INTER_LINEAR), which looks at four pixels only and
/// so aliases; kArea averages all pixels that fall on one (INTER_AREA). Both enlarge linearly.
enum class ResizeFilter { kLinear, kArea };

template <>
struct EnumNames<ResizeFilter> {
  static constexpr std::array<std::string_view, 2> kNames = {"linear", "area"};
};

/// Shorter side to `shorter_side`, then the square in the centre: the preparation of ImageNet-1k (Radford et al. 2016,
/// arXiv:1511.06434, section 4.3).
struct ResizeOptions {
  int64_t size = 32;                            ///< H = W of the result, pixels
  ResizeFilter resize = ResizeFilter::kLinear;  ///< authors' lib/cv2_utils.py
  int64_t shorter_side = 0;                     ///< pixels, size or more; 0: size

  int64_t side() const { return shorter_side == 0 ? size : shorter_side; }
};

template <class Visitor>
void describe(ResizeOptions& o, Visitor&& f) {
  f(o.size, "size", "height and width of the result, pixels");
  f(o.resize, "resize", "linear: the authors', aliases; area: averages");
  f(o.shorter_side, "shorter-side", "resize the shorter side to this before the centre is cut out, pixels; 0: --size");
}

/// Throws OptionError that names the flag, the value and the rule.
DCGAN_EXPORT void check(const ResizeOptions& options);

/// Both sides after the resize and before the crop. The longer is round(longer / shorter * size), half away from zero
/// as in Python 2 (authors' lib/cv2_utils.py, min_resize).
struct ResizedSize {
  int64_t height;
  int64_t width;
};
DCGAN_EXPORT ResizedSize resized_size(int64_t height, int64_t width, int64_t size);

/// First row (column) of the centre: round((side - size) / 2), half away from zero (authors' lib/data_utils.py,
/// center_crop).
DCGAN_EXPORT int64_t crop_offset(int64_t side, int64_t size);

/// Bit for bit what cv::resize of OpenCV 4 and a crop give; an image that has the size already keeps its pixels. May be
/// called from many threads.
/// @param image   as check(image) wants it
/// @param square  uint8 [size, size, 3], RGB: the result
DCGAN_EXPORT void resize_and_crop(const ImageView& image, const ResizeOptions& options, uint8_t* square);

/// JSON object for the record of how pixels were made.
DCGAN_EXPORT std::string resize_description(const ResizeOptions& options);

}  // namespace dcgan
