#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace dcgan::models {

using Shape = std::vector<int64_t>;

/// "[64,3,4,4]"
inline std::string shape_text(const Shape& shape) { return nlohmann::json(shape).dump(); }

/// Number of values, of a shape that its reader has accepted: where no size is 0, there are so many.
inline int64_t product(const Shape& shape) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

}  // namespace dcgan::models
