#pragma once

#include <array>
#include <string_view>

#include "dcgan/options.h"

namespace dcgan {

/// In what convolutions and dense layers are computed: float32; TensorFloat-32 (float32 with 10 bits of fraction in the
/// products, GPUs only); bfloat16 (7 bits). What goes in and comes out is float32 in any case.
enum class Precision { kF32, kTf32, kBf16 };

template <>
struct EnumNames<Precision> {
  static constexpr std::array<std::string_view, 3> kNames = {"f32", "tf32", "bf16"};
};

}  // namespace dcgan
