// How often the library asks for memory: the operators new of this program count, and libdcgan.so calls them.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "dcgan/c_api.h"

namespace {

std::atomic<int64_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, size) != 0) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // of std::stable_sort
  ++allocations;
  return std::malloc(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace dcgan::test {
namespace {

class Allocations : public testing::Test {
 protected:
  ~Allocations() override { dcgan_extractor_close(extractor_); }

  void open(const char* options) {
    const int64_t before = allocations;
    ASSERT_EQ(dcgan_extractor_open(DCGAN_SOURCE_DIR "/data/models/tiny-imagenet32.safetensors", options, &extractor_),
              DCGAN_OK)
        << dcgan_last_error();
    ASSERT_GT(allocations, before) << "the library's allocations are not seen";
    features_.resize(kImages * static_cast<size_t>(dcgan_extractor_feature_count(extractor_)));
  }

  // Of one call for images of this size.
  int64_t of_a_call(int64_t width, int64_t height, size_t count = kImages) {
    std::vector<dcgan_image> images(count, {pixels_.data(), pixels_.size(), width, height, 0, DCGAN_RGB});
    const int64_t before = allocations;
    EXPECT_EQ(dcgan_extract(extractor_, images.data(), count, features_.data(), features_.size()), DCGAN_OK);
    return allocations - before;
  }

  static constexpr size_t kImages = 5;
  dcgan_extractor* extractor_ = nullptr;
  std::vector<uint8_t> pixels_ = std::vector<uint8_t>(60 * 50 * 3, 99);
  std::vector<float> features_;
};

TEST_F(Allocations, ThereAreNoneAfterTheFirstCallOfABatchSize) {
  open(R"({"layers":[1,2],"threads":2,"device":"cpu","batch-size":2})");
  EXPECT_GT(of_a_call(32, 32), 0);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(of_a_call(32, 32), 0);
  EXPECT_EQ(of_a_call(32, 32, 1), 0) << "nor for fewer";
}

TEST_F(Allocations, ThereAreNoneForImagesThatAreResizedAgain) {
  for (const char* resize : {"linear", "area"}) {
    const std::string options =
        std::string(R"({"layers":[1],"threads":1,"device":"cpu","batch-size":2,"resize":")") + resize + "\"}";
    open(options.c_str());
    of_a_call(60, 50);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(of_a_call(60, 50), 0) << resize;
    dcgan_extractor_close(extractor_);
    extractor_ = nullptr;
  }
}

}  // namespace
}  // namespace dcgan::test
