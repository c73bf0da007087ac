// libdcgan_images.so: what needs OpenCV, giflib, libjpeg, libpng and libzip.
#include "data/image_library.h"

#include "data/images/codecs.h"
#include "data/images/render_digit.h"
#include "data/images/zip_archive.h"
#include "dcgan/errors.h"

namespace dcgan::data {

void check_size(int64_t width, int64_t height, const DecodeOptions& options) {
  const std::string dimensions = text_of(width, "x", height);
  if (width <= 0 || height <= 0) throw DecodeError("has no pixels: " + dimensions);
  if (width > options.max_pixels / height) {
    throw DecodeError(text_of(dimensions, " is larger than --max-pixels ", options.max_pixels));
  }
}

int64_t white_of(int64_t claimed, int64_t largest, const DecodeOptions& options, std::string& remark) {
  constexpr int64_t kFull = 65535;
  constexpr int64_t kTwelveBits = 4095;
  if (claimed > 0) return claimed;
  const int64_t asked = (int64_t{1} << options.sample_bits) - 1;
  if (asked < kFull && largest <= asked) return asked;
  if (largest > 0 && largest <= kTwelveBits) {
    remark = "perhaps of 12 bits and dark, as no sample is above 4095; --sample-bits 12 scales them";
  }
  return kFull;
}

namespace {

RgbImage pixels(ImageFormat format, ByteView bytes, const DecodeOptions& options, DecodedImage& decoded) {
  switch (format) {
    case ImageFormat::kJpeg:
      return decode_jpeg(bytes, options, decoded.warning);
    case ImageFormat::kPng:
      return decode_png(bytes, options, decoded);
    case ImageFormat::kWebp:
      return decode_webp(bytes, options, decoded.remark);
    case ImageFormat::kBmp:
      return decode_bmp(bytes, options);
    case ImageFormat::kTiff:
      return decode_tiff(bytes, options, decoded.remark);
    case ImageFormat::kGif:
      return decode_gif(bytes, options, decoded.remark);
    case ImageFormat::kPnm:
      return decode_pnm(bytes, options, decoded.remark);
    case ImageFormat::kNone:
      break;
  }
  throw DecodeError("not an image");
}

class Library : public ImageLibrary {
 public:
  DecodedImage decode(ImageFormat format, ByteView bytes, const DecodeOptions& options) const override {
    DecodedImage decoded;
    decoded.image = pixels(format, bytes, options, decoded);
    return decoded;
  }

  std::unique_ptr<Archive> open_zip(const std::string& path) const override { return open_zip_archive(path); }

  RgbImage render_digit(uint64_t seed, RenderedSplit split, int64_t index) const override {
    return draw_digit_image(seed, split, index);
  }
};

}  // namespace
}  // namespace dcgan::data

extern "C" DCGAN_EXPORT const dcgan::data::ImageLibrary* dcgan_image_library() {
  static const dcgan::data::Library library;
  return &library;
}

// What the decoder asks for in here; outside, data/image_library.cpp opens this library.
const dcgan::data::ImageLibrary& dcgan::data::image_library() { return *dcgan_image_library(); }
