#pragma once

#include <cstdint>

namespace dcgan::base {

/// IEEE 754 binary16 from float32, rounded to the nearest, ties to even; too large ones become infinite.
void floats_to_halves(const float* floats, int64_t count, uint16_t* halves);
/// Exact.
void halves_to_floats(const uint16_t* halves, int64_t count, float* floats);

/// The same in portable C++, for processors without F16C; equal in every bit (tested for all halves).
void floats_to_halves_portable(const float* floats, int64_t count, uint16_t* halves);
void halves_to_floats_portable(const uint16_t* halves, int64_t count, float* floats);

}  // namespace dcgan::base
