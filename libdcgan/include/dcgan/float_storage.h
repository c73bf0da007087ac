#pragma once

#include <array>
#include <string_view>

#include "dcgan/options.h"

namespace dcgan {

/// How floats lie in a file; in memory they are float32.
enum class FloatStorage { kFloat32, kFloat16 };

template <>
struct EnumNames<FloatStorage> {
  static constexpr std::array<std::string_view, 2> kNames = {"f32", "f16"};
};

}  // namespace dcgan
