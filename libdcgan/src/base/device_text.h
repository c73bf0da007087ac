#pragma once

#include <optional>
#include <string>

#include "dcgan/export.h"

namespace dcgan {

/// What "auto", "cpu", "cuda" or "cuda:N" asks for.
struct DeviceText {
  enum class Kind { kAuto, kCpu, kCuda } kind = Kind::kAuto;
  std::optional<int> index;  ///< N
};

/// @throws OptionError for another text
DCGAN_EXPORT DeviceText parse_device(const std::string& text);

}  // namespace dcgan
