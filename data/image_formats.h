#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/codecs.h"

// Which files are images, by their names and by their first bytes.
namespace dcgan::data {

/// First bytes that format_name() wants to see.
constexpr size_t kFirstBytes = 64;

/// Extensions of images that are read, lower case, without the dot.
const std::vector<std::string_view>& image_extensions();

/// Lower case, without the dot; empty where there is none.
std::string extension_of(const std::string& path);

/// Whether the extension (in any case) is one of image_extensions().
bool has_image_extension(const std::string& path);

/// What the extension alone says of a file.
enum class NameSays { kRead, kUnreadImage, kNoImage, kNothing };
NameSays name_says(const std::string& path);

/// "JPEG", "HEIC", "JPEG XL", ... by the first bytes of an image, read by us or not; empty for everything else.
std::string image_format_name(ByteView bytes);

/// "gzip", "7-Zip", "Parquet", ... by the first bytes of a file that may hold images and is not read; else empty.
std::string container_format_name(ByteView bytes);

}  // namespace dcgan::data
