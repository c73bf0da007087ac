#pragma once

#include <cstdint>
#include <string>

#include "dcgan/export.h"
#include "dcgan/images.h"

namespace dcgan {

/// Writes one picture: `images` side by side in rows of `columns`, with a frame of one white pixel between them.
/// libpng rather than OpenCV, so that a training program does not load OpenCV's codecs.
DCGAN_EXPORT void write_png_grid(const std::string& path, const ImageBatch& images, int64_t columns);

}  // namespace dcgan
