// In the place of what needs OpenCV, giflib and libzip, for the Python wheel.
#include "data/images/codecs.h"
#include "data/images/render_digit.h"
#include "data/images/zip_archive.h"

namespace dcgan::data {
namespace {

[[noreturn]] void refuse(const char* format) {
  throw DecodeError(std::string(format) + " is not decoded by this package, only JPEG and PNG; open it with Pillow");
}

}  // namespace

RgbImage decode_gif(ByteView /*bytes*/, const DecodeOptions& /*options*/, std::string& /*remark*/) { refuse("GIF"); }
RgbImage decode_pnm(ByteView /*bytes*/, const DecodeOptions& /*options*/, std::string& /*remark*/) { refuse("PNM"); }
RgbImage decode_webp(ByteView /*bytes*/, const DecodeOptions& /*options*/, std::string& /*remark*/) { refuse("WebP"); }
RgbImage decode_bmp(ByteView /*bytes*/, const DecodeOptions& /*options*/) { refuse("BMP"); }
RgbImage decode_tiff(ByteView /*bytes*/, const DecodeOptions& /*options*/, std::string& /*remark*/) { refuse("TIFF"); }

std::unique_ptr<Archive> open_zip_archive(const std::string& path) {
  throw FileError(path, "archives are not read by this package.");
}

RgbImage draw_digit_image(uint64_t /*seed*/, RenderedSplit /*split*/, int64_t /*index*/) {
  throw Error("digits are drawn by OpenCV, which this package does not have.");
}

}  // namespace dcgan::data
