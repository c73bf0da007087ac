#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dcgan::data {

/// One image: uint8 [H, W, 3], RGB.
struct RgbImage {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels;
};

/// An image, or the reason why there is none.
struct DecodedImage {
  RgbImage image;
  std::string failure;   ///< short, without the path; empty where the image is good
  std::string remark{};  ///< of a good image what is worth counting: "animated, ..."; mostly empty
  /// Of a good image harmless damage of its file, which changes no pixel; mostly empty.
  std::string warning{};

  bool ok() const { return failure.empty(); }
};

struct DecodeOptions {
  int64_t max_pixels = 100'000'000;  ///< H * W of the stored image, before any scaling: 300 MB once decoded
  int64_t sample_bits = 16;          ///< 16-bit images without a sample above 2^bits - 1 are scaled as of so many bits
  int64_t scaled_side = 0;           ///< JPEGs may be decoded at 1/2, 1/4 or 1/8, shorter side at least this; 0: exact
  bool strict = false;               ///< harmless damage is a failure, too; of --strict, no option of its own
};

template <class Visitor>
void describe(DecodeOptions& o, Visitor&& f) {
  f(o.max_pixels, "max-pixels", "images with more pixels are failures");
  f(o.sample_bits, "sample-bits",
    "12: 16-bit PNG, TIFF and PNM whose samples are all below 4096, and which do not say of how many bits they are, "
    "are "
    "scaled as of 12 bits; any number from 8 to 16");
  f(o.scaled_side, "scaled-side", "decode JPEGs smaller, shorter side at least this many pixels; 0: exactly");
}

/// Throws OptionError that names the flag, the value and the rule.
void check(const DecodeOptions& options);

/// Decodes JPEG, PNG, WebP, BMP, TIFF, GIF or PNM, told apart by their first bytes, not by a name.
///
/// Grey, palette, 16-bit, CMYK and YCCK become 8-bit RGB; alpha is dropped (as OpenCV and Pillow's convert("RGB") do);
/// 16 bits are scaled, round(v / 257), or by what PNG's sBIT, TIFF's MaxSampleValue and PNM's largest sample say; where
/// none of them does, and no sample is above 4095, a remark says so; the EXIF orientation is applied; of a TIFF the
/// first page is taken, of an animation the first frame.
/// A file that is cut short or damaged is a failure, even where its codec would return pixels: warnings of libjpeg
/// about damaged data, wrong checksums of a PNG, every missing byte of the other formats. Damage that changes no pixel
/// is a warning: scan parameters that a baseline JPEG does not use, surplus bytes behind a whole scan, wrong checksums
/// of chunks that are not critical (docs/formats.md). What lossy WebP, BMP and TIFF cannot notice, since they carry no
/// checksum, is a changed byte inside the coded pixels.
///
/// Never throws for bad bytes and prints nothing. May be called from many threads.
DecodedImage decode_image(const uint8_t* bytes, size_t size, const DecodeOptions& options = {});

/// The same for a file; a file that cannot be read is a failure, too.
DecodedImage decode_image_file(const std::string& path, const DecodeOptions& options = {});

/// Version and choices of the decoders, JSON object, for the record of how pixels were made.
std::string decoder_description(const DecodeOptions& options);

}  // namespace dcgan::data
