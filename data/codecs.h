#pragma once

#include <cstddef>
#include <cstdint>

#include "data/image_decoder.h"
#include "dcgan/errors.h"

// Internals of image_decoder.cpp: one function per family of formats.
namespace dcgan::data {

/// Why an image cannot be had; what() becomes DecodedImage::failure.
class DecodeError : public Error {
 public:
  using Error::Error;
};

struct ByteView {
  const uint8_t* data;
  size_t size;

  bool starts_with(std::string_view magic, size_t at = 0) const;
  /// The bytes from `at`, `length` of them or as many as there are.
  ByteView part(size_t at, size_t length = SIZE_MAX) const;
};

/// Whether the first bytes are those of a format that decode_image() knows.
bool looks_like_image(ByteView bytes);

/// @throws DecodeError if there are no pixels or more than allowed.
void check_size(int64_t width, int64_t height, const DecodeOptions& options);

/// EXIF orientation 1 to 8 of a TIFF header with its first directory (the payload of EXIF); 1 where it says nothing.
int exif_orientation(ByteView tiff);
/// Turns and mirrors the image so that orientation 1 is reached.
void apply_orientation(int orientation, RgbImage& image);

RgbImage decode_jpeg(ByteView bytes, const DecodeOptions& options);
RgbImage decode_png(ByteView bytes, const DecodeOptions& options);
RgbImage decode_webp(ByteView bytes, const DecodeOptions& options);
RgbImage decode_bmp(ByteView bytes, const DecodeOptions& options);
RgbImage decode_tiff(ByteView bytes, const DecodeOptions& options);

}  // namespace dcgan::data
