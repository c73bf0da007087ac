#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "data/image_decoder.h"
#include "dcgan/errors.h"

namespace dcgan::data {

/// Why an image cannot be had; what() becomes DecodedImage::failure.
class DCGAN_EXPORT DecodeError : public Error {
 public:
  template <class First, class... More>
  explicit DecodeError(const First& first, const More&... more) : Error(ErrorCode::kBadImage, first, more...) {}
};

struct ByteView {
  const uint8_t* data;
  size_t size;

  bool starts_with(std::string_view magic, size_t at = 0) const {
    return size >= at + magic.size() && std::memcmp(data + at, magic.data(), magic.size()) == 0;
  }
  /// The bytes from `at`, `length` of them or as many as there are.
  ByteView part(size_t at, size_t length = SIZE_MAX) const {
    at = std::min(at, size);
    return {data + at, std::min(length, size - at)};
  }
};

enum class ImageFormat { kNone, kJpeg, kPng, kWebp, kBmp, kTiff, kGif, kPnm };

/// Which format that decode_image() knows has such first bytes.
ImageFormat image_format(ByteView bytes);

}  // namespace dcgan::data
