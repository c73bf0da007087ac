#pragma once

#include <c10/core/Device.h>

namespace c10 {
struct Allocator;
}

namespace dcgan::train {

/// While one lives, large CPU tensors of this process get memory that earlier ones left, in huge pages, instead of
/// fresh pages from the system: every step of a training asks for the same sizes again. docs/benchmarks.md has what it
/// gives. Tensors may outlive it. One at a time. For work on another device it does nothing: what passes through the
/// host there is never asked for again.
class ReusedTensorMemory {
 public:
  explicit ReusedTensorMemory(c10::Device device);
  ~ReusedTensorMemory();
  ReusedTensorMemory(const ReusedTensorMemory&) = delete;
  ReusedTensorMemory& operator=(const ReusedTensorMemory&) = delete;

 private:
  c10::Allocator* previous_ = nullptr;
};

}  // namespace dcgan::train
