#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dcgan/boxes.h"

namespace dcgan::explore_tool {

/// What boxes may be of: so many images, H = W = size.
struct BoxLimits {
  int64_t images = 0, size = 0;
};

/// Boxes that a person drew: CSV with the columns sample, x, y, width, height (a header is passed over), or JSON, an
/// array of objects with these keys.
/// @param path  where the text is from, for messages
/// @throws FileError that names the line or entry: what is no number, an empty box, one outside the image, an image
/// that is not there
std::vector<Box> boxes_of(const std::string& path, const std::string& text, const BoxLimits& limits);

std::string text_of_boxes(const std::string& path);

/// Those of a file. @throws FileError as boxes_of(), and where there are none
std::vector<Box> read_boxes(const std::string& path, const BoxLimits& limits);

std::string boxes_json(const std::vector<Box>& boxes);

/// CSV, or where the path ends in .json JSON. @throws FileError
void write_boxes(const std::string& path, const std::vector<Box>& boxes);

}  // namespace dcgan::explore_tool
