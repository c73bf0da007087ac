#include "train/minibatches.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/train/small_images.h"

namespace dcgan::train {
namespace {

// Which images a minibatch holds: the first byte says it.
std::vector<int> images_of(const at::Tensor& minibatch) {
  std::vector<int> numbers;
  for (int64_t i = 0; i < minibatch.size(0); ++i) {
    numbers.push_back(static_cast<int>(std::lround((minibatch[i][0][0][0].item<double>() + 1) * 127.5)));
  }
  return numbers;
}

ImageRows in_memory(const PackedImageReader& images) { return {images, ImagePlace::kHost, c10::kCPU}; }

TEST(Minibatches, ShowEveryImageOnceInAnEpochAndTheRestInAShortOne) {
  const test::TemporaryFolder folder;
  const PackedImageReader images = test::small_images(folder / "a.h5", 10);
  Minibatches minibatches(in_memory(images), 4, 1);
  ASSERT_EQ(minibatches.per_epoch(), 3);
  std::vector<int> seen;
  for (int64_t i = 0; i < 3; ++i) {
    const std::vector<int> numbers = images_of(minibatches.at(i));
    EXPECT_EQ(static_cast<int64_t>(numbers.size()), minibatches.size_of(i));
    seen.insert(seen.end(), numbers.begin(), numbers.end());
  }
  EXPECT_EQ(minibatches.size_of(2), 2);
  EXPECT_THAT(seen, testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(Minibatches, OfASingleImageAreLeftOut) {
  const test::TemporaryFolder folder;
  const PackedImageReader images = test::small_images(folder / "images.h5", 9);
  const Minibatches minibatches(in_memory(images), 4, 1);
  EXPECT_EQ(minibatches.per_epoch(), 2);
  for (int64_t position = 0; position < 6; ++position) EXPECT_EQ(minibatches.size_of(position), 4);
}

TEST(Minibatches, DependOnSeedAndPositionAlone) {
  const test::TemporaryFolder folder;
  const PackedImageReader images = test::small_images(folder / "a.h5", 10);
  Minibatches forwards(in_memory(images), 4, 1);
  std::vector<std::vector<int>> all;
  for (int64_t i = 0; i < 9; ++i) all.push_back(images_of(forwards.at(i)));
  Minibatches again(in_memory(images), 4, 1);
  for (const int64_t i : {7, 0, 4}) EXPECT_EQ(images_of(again.at(i)), all[static_cast<size_t>(i)]) << i;
  EXPECT_NE(all[0], all[3]) << "epochs are shuffled anew";
  EXPECT_NE(images_of(Minibatches(in_memory(images), 4, 2).at(0)), all[0]) << "the seed matters";
}

TEST(Minibatches, AreTheSameFromTheFileAsFromMemory) {
  const test::TemporaryFolder folder;
  const PackedImageReader images = test::small_images(folder / "a.h5", 10);
  Minibatches loaded(in_memory(images), 4, 1);
  Minibatches read({images, ImagePlace::kFile, c10::kCPU}, 4, 1);
  for (int64_t i = 0; i < 6; ++i) EXPECT_TRUE(read.at(i).equal(loaded.at(i))) << i;
}

TEST(Minibatches, ThatWereReadAheadAreTheSame) {
  const test::TemporaryFolder folder;
  const PackedImageReader images = test::small_images(folder / "a.h5", 10);
  Minibatches loaded(in_memory(images), 4, 1);
  Minibatches read({images, ImagePlace::kFile, c10::kCPU}, 4, 1);
  for (int64_t i = 0; i < 6; ++i) {  // over the end of an epoch
    read.read_ahead(i);
    read.wait();
    EXPECT_TRUE(read.at(i).equal(loaded.at(i))) << i;
  }
  read.read_ahead(3);
  EXPECT_TRUE(read.at(1).equal(loaded.at(1))) << "another one than was read ahead";
  read.reseed(2);
  loaded.reseed(2);
  EXPECT_TRUE(read.at(3).equal(loaded.at(3))) << "of another order";
}

TEST(Minibatches, ThatWereReadAheadNeedTheirFileNoMore) {
  const test::TemporaryFolder folder;
  const PackedImageReader images = test::small_images(folder / "a.h5", 2000, 32);  // more than HDF5 keeps
  Minibatches loaded(in_memory(images), 50, 1);
  Minibatches read({images, ImagePlace::kFile, c10::kCPU}, 50, 1);
  read.read_ahead(4);
  read.wait();
  std::filesystem::resize_file(folder / "a.h5", 10000);
  EXPECT_TRUE(read.at(4).equal(loaded.at(4))) << "it was read before";
  EXPECT_FALSE(read.at(5).equal(loaded.at(5))) << "HDF5 takes what is missing for zeros";
}

}  // namespace
}  // namespace dcgan::train
