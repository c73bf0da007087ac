#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dcgan/boxes.h"

namespace dcgan::explore_tool {

/// Boxes that a person drew: CSV with the columns sample, x, y, width, height (a header is passed over), or JSON, an
/// array of objects with these keys.
/// @param images  number of images, H = W = size
/// @throws FileError that names the line or entry: what is no number, an empty box, one outside the image, an image
/// that is not there; and where there are no boxes
std::vector<Box> read_boxes(const std::string& path, int64_t images, int64_t size);

}  // namespace dcgan::explore_tool
