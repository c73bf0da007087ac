#include "train/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace dcgan::train {
namespace {

constexpr size_t kAlignment = 64;  // what LibTorch's own allocator gives
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kReusedFrom = kHugePage / 2;  // smaller blocks come from malloc, which reuses them itself

class Pool : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes == 0 ? nullptr : take(bytes + kAlignment);
    return {data, data, &give_back, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }

  void keep_what_is_free(bool keep) {
    const std::lock_guard lock(mutex_);
    keep_ = keep;
    if (!keep) release();
  }

 private:
  // In front of each block lies its size.
  void* take(size_t bytes) {
    const size_t unit = bytes < kReusedFrom ? kAlignment : kHugePage;
    const size_t size = (bytes + unit - 1) / unit * unit;
    char* block = reused(size);
    if (block == nullptr) {
      block = static_cast<char*>(std::aligned_alloc(unit, size));
      if (block == nullptr) throw std::bad_alloc();
      if (unit == kHugePage) madvise(block, size, MADV_HUGEPAGE);  // advice only: its failure changes nothing
      *reinterpret_cast<size_t*>(block) = size;
    }
    return block + kAlignment;
  }

  char* reused(size_t size) {
    const std::lock_guard lock(mutex_);
    const auto found = free_.find(size);
    if (found == free_.end() || found->second.empty()) return nullptr;
    char* block = found->second.back();
    found->second.pop_back();
    return block;
  }

  void release() {
    for (const auto& [size, blocks] : free_) {
      for (char* block : blocks) std::free(block);
    }
    free_.clear();
  }

  static void give_back(void* data);

  std::mutex mutex_;
  bool keep_ = false;
  std::map<size_t, std::vector<char*>> free_;
};

// Never destroyed: tensors may be freed at any time.
Pool& pool() {
  static Pool* const pool = new Pool;
  return *pool;
}

void Pool::give_back(void* data) {
  if (data == nullptr) return;
  char* block = static_cast<char*>(data) - kAlignment;
  const size_t size = *reinterpret_cast<size_t*>(block);
  {
    const std::lock_guard lock(pool().mutex_);
    if (pool().keep_ && size >= kReusedFrom) {
      pool().free_[size].push_back(block);
      return;
    }
  }
  std::free(block);
}

}  // namespace

ReusedTensorMemory::ReusedTensorMemory(c10::Device device) {
  if (!device.is_cpu()) return;
  previous_ = c10::GetCPUAllocator();
  pool().keep_what_is_free(true);
  c10::SetCPUAllocator(&pool());
}

ReusedTensorMemory::~ReusedTensorMemory() {
  if (previous_ == nullptr) return;
  c10::SetCPUAllocator(previous_);
  pool().keep_what_is_free(false);
}

}  // namespace dcgan::train
