#include "parallel/float_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace dcgan::parallel {
namespace {

TEST(FloatBuffer, HoldsItsFloatsFromTheBeginningOfAHugePage) {
  for (const int64_t count : {0, 1, 100'000, 300'000, 1'000'000}) {  // 300,000 floats fill more than half a huge page
    FloatBuffer buffer(count);
    for (int64_t i = 0; i < count; ++i) buffer.data()[i] = static_cast<float>(i);
    for (int64_t i = 0; i < count; ++i) ASSERT_EQ(buffer.data()[i], static_cast<float>(i));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % (uintptr_t{2} << 20), 0U) << count;
  }
}

TEST(FloatBuffer, IsEmptyBeforeItIsGivenASizeAndAfterItWasMovedFrom) {
  FloatBuffer buffer;
  EXPECT_EQ(buffer.data(), nullptr);
  buffer = FloatBuffer(3);
  float* const data = buffer.data();
  const FloatBuffer other = std::move(buffer);
  EXPECT_EQ(other.data(), data);
  // NOLINTNEXTLINE(bugprone-use-after-move, clang-analyzer-cplusplus.Move): that is the point
  EXPECT_EQ(buffer.data(), nullptr);
}

}  // namespace
}  // namespace dcgan::parallel
