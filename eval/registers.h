#pragma once

#include <cstdint>

namespace dcgan::eval {

// How loops are compiled for several instruction sets: they are written once, as functions that are always inlined,
// with the vector types of GCC and Clang (the compiler fuses products and sums where it may). A function with a target
// attribute calls them and so compiles its own copy for its instruction set, whatever the rest of the file may use.
#define DCGAN_INLINE inline __attribute__((always_inline))

template <int kBytes>
struct Registers {
  typedef float Vector __attribute__((vector_size(kBytes)));
  typedef float Unaligned __attribute__((vector_size(kBytes), aligned(4), may_alias));  // as it lies in memory
  static constexpr int64_t kLanes = kBytes / 4;
};

}  // namespace dcgan::eval
