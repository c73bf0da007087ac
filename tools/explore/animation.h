#pragma once

#include <cstdint>
#include <string>

#include "dcgan/images.h"

namespace dcgan::explore_tool {

/// Images one after the other, again and again, as lossless animated WebP, which browsers show.
/// @param milliseconds  that each is shown
void write_animation(const std::string& path, const ImageBatch& images, int64_t milliseconds);

}  // namespace dcgan::explore_tool
