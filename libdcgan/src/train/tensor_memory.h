#pragma once

namespace c10 {
struct Allocator;
}

namespace dcgan::train {

/// While one lives, large CPU tensors of this process get memory that earlier ones left, in huge pages, instead of
/// fresh pages from the system: every step of a training asks for the same sizes again. docs/benchmarks.md has what it
/// gives. Tensors may outlive it. One at a time.
class ReusedTensorMemory {
 public:
  ReusedTensorMemory();
  ~ReusedTensorMemory();
  ReusedTensorMemory(const ReusedTensorMemory&) = delete;
  ReusedTensorMemory& operator=(const ReusedTensorMemory&) = delete;

 private:
  c10::Allocator* previous_;
};

}  // namespace dcgan::train
