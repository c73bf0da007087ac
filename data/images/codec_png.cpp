#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "data/images/codecs.h"

// libpng straight rather than through OpenCV, which prints the library's messages to stderr, accepts a file without its
// end and cuts 16 bits to their upper 8.
namespace dcgan::data {
namespace {

struct PngState {
  ByteView rest;
  bool animated = false;
  std::string reason;
  std::string warning{};
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  static_cast<PngState*>(png_get_error_ptr(png))->reason = message;
  png_longjmp(png, 1);
}

// "iCCP: CRC error". Others are of no use: libpng is particular about colour profiles, which change no pixel here.
void on_warning(png_structp png, png_const_charp message) {
  std::string& warning = static_cast<PngState*>(png_get_error_ptr(png))->warning;
  if (warning.empty() && std::strstr(message, "CRC error") != nullptr) warning = message;
}

void on_read(png_structp png, png_bytep target, size_t count) {
  ByteView& rest = static_cast<PngState*>(png_get_io_ptr(png))->rest;
  if (count > rest.size) png_error(png, "the file ends too early");
  std::memcpy(target, rest.data, count);
  rest = rest.part(count);
}

int on_unknown_chunk(png_structp png, png_unknown_chunkp chunk) {
  // Its first number is that of the frames (PNG, third edition, 11.3.6.1); one is a picture like any other.
  constexpr png_byte kOneFrame[4] = {0, 0, 0, 1};
  if (std::memcmp(chunk->name, "acTL", 4) == 0 && chunk->size >= 4) {
    static_cast<PngState*>(png_get_user_chunk_ptr(png))->animated = std::memcmp(chunk->data, kOneFrame, 4) != 0;
  }
  return 1;
}

// longjmp runs no destructors: whatever owns memory belongs to the caller.
int decode_rows(png_structp png, png_infop info, const DecodeOptions& options, RgbImage& image,  // arguments: longjmp
                std::vector<png_bytep>& rows) {
  png_read_info(png, info);
  check_size(png_get_image_width(png, info), png_get_image_height(png, info), options);
  png_set_expand(png);  // palette and 1, 2, 4 bits to 8 bits
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  image.width = png_get_image_width(png, info);
  image.height = png_get_image_height(png, info);
  const size_t stride = png_get_rowbytes(png, info);
  image.pixels.resize(stride * static_cast<size_t>(image.height));
  for (int64_t y = 0; y < image.height; ++y) rows.push_back(image.pixels.data() + static_cast<size_t>(y) * stride);
  png_read_image(png, rows.data());
  png_read_end(png, info);  // fails where the end chunk is missing
  png_bytep exif = nullptr;
  png_uint_32 exif_size = 0;
  if (png_get_eXIf_1(png, info, &exif_size, &exif) == 0) return 1;
  return exif_orientation({exif, exif_size});
}

}  // namespace

namespace {

struct Png {
  png_structp png;
  png_infop info;
  ~Png() { png_destroy_read_struct(&png, &info, nullptr); }
};

// What sBIT (PNG, 11.3.2.7) says of the white of 16-bit samples; 0 where there is none. Samples of fewer bits shall be
// stored scaled, their lower bits zeros or the upper ones again; where they are not, they are stored as they were.
int64_t white_by_significant_bits(const Png& png, const std::vector<uint16_t>& samples) {
  png_color_8p significant = nullptr;
  if (png_get_sBIT(png.png, png.info, &significant) == 0) return 0;
  const int bits = std::max({significant->red, significant->green, significant->blue});  // of grey all three
  if (bits < 8 || bits > 15) return 65535;
  const int white = (1 << bits) - 1;
  bool scaled = true;
  for (const uint16_t v : samples) {
    if (v > white) return 65535;
    scaled = scaled && v % (1 << (16 - bits)) == 0;
  }
  return scaled ? 65535 : white;
}

// 8 bits of the 16 of a PNG that was read in its own depth.
void narrow(const Png& png, const DecodeOptions& options, std::vector<uint8_t>& pixels, std::string& remark) {
  std::vector<uint16_t> samples(pixels.size() / 2);
  int64_t largest = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<uint16_t>(pixels[2 * i] << 8 | pixels[2 * i + 1]);
    largest = std::max<int64_t>(largest, samples[i]);
  }
  const int64_t white = white_of(white_by_significant_bits(png, samples), largest, options, remark);
  pixels.resize(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    pixels[i] = static_cast<uint8_t>((2 * 255 * int64_t{samples[i]} + white) / (2 * white));  // round(255 v / white)
  }
}

}  // namespace

RgbImage decode_png(ByteView bytes, const DecodeOptions& options, DecodedImage& decoded) {
  PngState state{bytes, false, ""};
  Png owner{png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning), nullptr};
  if (owner.png == nullptr) throw std::bad_alloc();
  owner.info = png_create_info_struct(owner.png);
  if (owner.info == nullptr) throw std::bad_alloc();
  RgbImage image;
  std::vector<png_bytep> rows;
  if (setjmp(png_jmpbuf(owner.png)) != 0) throw DecodeError("damaged or truncated PNG: " + state.reason);
  png_set_read_fn(owner.png, &state, on_read);
  png_set_read_user_chunk_fn(owner.png, &state, on_unknown_chunk);
  // What is ancillary changes no pixel: a wrong checksum there is told, and the content, mostly right, is used.
  png_set_crc_action(owner.png, PNG_CRC_ERROR_QUIT, options.strict ? PNG_CRC_ERROR_QUIT : PNG_CRC_WARN_USE);
  const int orientation = decode_rows(owner.png, owner.info, options, image, rows);
  if (png_get_bit_depth(owner.png, owner.info) == 16) narrow(owner, options, image.pixels, decoded.remark);
  apply_orientation(orientation, image);
  if (state.animated) decoded.remark = kAnimated;
  decoded.warning = state.warning;
  return image;
}

}  // namespace dcgan::data
