#pragma once

#include "data/codecs.h"

// One function per family of formats, and what they share.
namespace dcgan::data {

/// @throws DecodeError if there are no pixels or more than allowed.
void check_size(int64_t width, int64_t height, const DecodeOptions& options);

/// EXIF orientation 1 to 8 of a TIFF header with its first directory (the payload of EXIF); 1 where it says nothing.
int exif_orientation(ByteView tiff);
/// Turns and mirrors the image so that orientation 1 is reached.
void apply_orientation(int orientation, RgbImage& image);

/// Which 16-bit sample is white.
/// @param claimed  what the file says; 0: nothing
/// @param largest  of its samples
int64_t white_of(int64_t claimed, int64_t largest, const DecodeOptions& options, std::string& remark);

/// Of animations the first frame is taken.
constexpr const char* kAnimated = "animated, of which the first frame is taken";

// `remark` and `warning` are set where there is something to count (DecodedImage).
RgbImage decode_gif(ByteView bytes, const DecodeOptions& options, std::string& remark);
RgbImage decode_jpeg(ByteView bytes, const DecodeOptions& options, std::string& warning);
RgbImage decode_png(ByteView bytes, const DecodeOptions& options, DecodedImage& decoded);
RgbImage decode_webp(ByteView bytes, const DecodeOptions& options, std::string& remark);
RgbImage decode_bmp(ByteView bytes, const DecodeOptions& options);
RgbImage decode_pnm(ByteView bytes, const DecodeOptions& options, std::string& remark);
RgbImage decode_tiff(ByteView bytes, const DecodeOptions& options, std::string& remark);

}  // namespace dcgan::data
