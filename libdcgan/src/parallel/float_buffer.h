#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace dcgan::parallel {

/// Uninitialised floats, on huge pages where they fill at least half of one: what is read through again and again spans
/// more pages of 4 KiB than a core's table of addresses holds.
class FloatBuffer {
 public:
  FloatBuffer() = default;
  explicit FloatBuffer(int64_t count) {
    size_t bytes = static_cast<size_t>(count) * sizeof(float);
    const bool huge = bytes >= kHugePage / 2;
    if (huge) bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    data_.reset(static_cast<float*>(::operator new(bytes, kAlignment)));
    if (huge) madvise(data_.get(), bytes, MADV_HUGEPAGE);  // advice only: its failure changes nothing
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
