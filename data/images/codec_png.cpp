#include <png.h>

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
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  static_cast<PngState*>(png_get_error_ptr(png))->reason = message;
  png_longjmp(png, 1);
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

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
int decode_rows(png_structp png, png_infop info, const DecodeOptions& options, RgbImage& image,
                std::vector<png_bytep>& rows) {
  png_read_info(png, info);
  check_size(png_get_image_width(png, info), png_get_image_height(png, info), options);
  png_set_expand(png);    // palette and 1, 2, 4 bits to 8 bits
  png_set_scale_16(png);  // round(v / 257)
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

RgbImage decode_png(ByteView bytes, const DecodeOptions& options, std::string& remark) {
  PngState state{bytes, false, ""};
  struct Owner {
    png_structp png;
    png_infop info;
    ~Owner() { png_destroy_read_struct(&png, &info, nullptr); }
  };
  Owner owner{png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning), nullptr};
  if (owner.png == nullptr) throw std::bad_alloc();
  owner.info = png_create_info_struct(owner.png);
  if (owner.info == nullptr) throw std::bad_alloc();
  RgbImage image;
  std::vector<png_bytep> rows;
  if (setjmp(png_jmpbuf(owner.png)) != 0) throw DecodeError("damaged or truncated PNG: " + state.reason);
  png_set_read_fn(owner.png, &state, on_read);
  png_set_read_user_chunk_fn(owner.png, &state, on_unknown_chunk);
  png_set_crc_action(owner.png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  const int orientation = decode_rows(owner.png, owner.info, options, image, rows);
  apply_orientation(orientation, image);
  if (state.animated) remark = kAnimated;
  return image;
}

}  // namespace dcgan::data
