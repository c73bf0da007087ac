#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace dcgan::parallel {

/// Uninitialised floats, on huge pages as far as they fill whole ones, or at least half of one: what is read through
/// again and again spans more pages of 4 KiB than a core's table of addresses holds.
class FloatBuffer {
 public:
  FloatBuffer() = default;
  explicit FloatBuffer(int64_t count) {
    const size_t bytes = count * sizeof(float);
    const bool most_of_one = bytes >= kHugePage / 2 && bytes < kHugePage;
    const size_t huge = most_of_one ? kHugePage : bytes / kHugePage * kHugePage;
    data_.reset(static_cast<float*>(::operator new(std::max(bytes, huge), kAlignment)));
    if (huge > 0) madvise(data_.get(), huge, MADV_HUGEPAGE);  // advice only: its failure changes nothing
  }
  float* data() const { return data_.get(); }

 private:
  static constexpr size_t kHugePage = size_t{2} << 20;
  static constexpr std::align_val_t kAlignment{kHugePage};
  struct Free {
    void operator()(float* p) const { ::operator delete(p, kAlignment); }
  };
  std::unique_ptr<float, Free> data_;
};

}  // namespace dcgan::parallel
