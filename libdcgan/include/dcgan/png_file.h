#pragma once

#include <cstdint>
#include <string>

#include "dcgan/export.h"
#include "dcgan/images.h"

namespace dcgan {

/// The bytes of a PNG with `images` side by side in rows of `columns`, with one white pixel between them.
/// libpng rather than OpenCV, so that a training program does not load OpenCV's codecs.
/// @param name  of the picture, for messages
DCGAN_EXPORT std::string png_grid(const ImageBatch& images, int64_t columns, const std::string& name);

/// Writes it to a file.
DCGAN_EXPORT void write_png_grid(const std::string& path, const ImageBatch& images, int64_t columns);

}  // namespace dcgan
