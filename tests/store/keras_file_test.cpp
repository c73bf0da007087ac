#include "dcgan/keras_file.h"

#include <gmock/gmock.h>
#include <hdf5.h>

#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "dcgan/errors.h"
#include "tests/support/bytes_of.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

/// A file of Keras in HDF5's oldest format, which has no checksums: where the attribute "model_config" refers to its
/// text, and where that lies.
struct KerasFile : ::testing::Test {
  void SetUp() override {
    const size_t text = bytes_.find(config_);
    ASSERT_NE(text, std::string::npos);
    heap_ = bytes_.rfind("GCOL", text);
    object_ = text - 16;
    const uint64_t address = heap_;
    const auto length = static_cast<uint32_t>(config_.size());
    std::string reference(12, '\0');
    std::memcpy(&reference[0], &length, sizeof length);
    std::memcpy(&reference[4], &address, sizeof address);
    reference_ = bytes_.find(reference);
    ASSERT_NE(reference_, std::string::npos);
    ASSERT_EQ(bytes_.find(reference, reference_ + 1), std::string::npos);
  }

  KerasArrays with(size_t place, uint64_t value, size_t size) const {
    std::string changed = bytes_;
    std::memcpy(&changed[place], &value, size);
    std::ofstream(folder_ / "changed.h5", std::ios::binary) << changed;
    return read_keras_file(folder_ / "changed.h5");
  }

  const TemporaryFolder folder_;
  const std::string golden_ = DCGAN_SOURCE_DIR "/tests/golden/keras/example64.h5";
  const std::string bytes_ = bytes_of(golden_);
  const std::string config_ = read_keras_file(golden_).config;
  size_t reference_ = 0, heap_ = 0, object_ = 0;
};

TEST_F(KerasFile, IsNotAskedForMoreThanItsBytesWhateverItClaims) {
  for (const uint64_t claim : {uint64_t{0xFFFFFFFF}, uint64_t{0x40000000}, bytes_.size() + 1, config_.size() + 8}) {
    EXPECT_THAT([&] { with(reference_, claim, 4); },
                ThrowsMessage<FileError>(HasSubstr("\"model_config\" is damaged")));
  }
  for (const uint64_t claim : {~uint64_t{0}, uint64_t{24} << 30, uint64_t{bytes_.size()}}) {
    EXPECT_THAT([&] { with(heap_ + 8, claim, 8); }, ThrowsMessage<FileError>(HasSubstr("are damaged"))) << claim;
    EXPECT_THAT([&] { with(object_ + 8, claim, 8); }, ThrowsMessage<FileError>(HasSubstr("are damaged"))) << claim;
    EXPECT_THAT([&] { with(reference_ + 4, claim, 8); }, ThrowsMessage<FileError>(HasSubstr("damaged"))) << claim;
  }
}

TEST_F(KerasFile, IsReadOrRefusedWithAnyByteOfAReferenceOrAHeapsHeadChanged) {
  EXPECT_THAT(with(reference_, config_.size(), 4).arrays, SizeIs(read_keras_file(golden_).arrays.size()));
  for (const auto& [start, length] : {std::pair(reference_, 16), std::pair(heap_, 16), std::pair(object_, 16)}) {
    for (int i = 0; i < length; ++i) {
      for (const int value : {0x00, 0x7F, 0x80, 0xFF}) {
        try {
          with(start + static_cast<size_t>(i), static_cast<uint64_t>(value), 1);
        } catch (const FileError&) {  // a refusal is a right answer
        }
      }
    }
  }
}

// Under UBSan: the sides of an empty array are not multiplied.
TEST(EmptyArrays, OfKerasMayClaimAnySides) {
  const TemporaryFolder folder;
  const std::string path = folder / "empty.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t sides[] = {25, (hsize_t{1} << 59) + 1, 0};
  const hid_t space = H5Screate_simple(3, sides, nullptr);
  H5Dclose(H5Dcreate2(file, "kernel", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
  H5Fclose(file);
  const KerasArrays found = read_keras_file(path);
  ASSERT_THAT(found.arrays, SizeIs(1));
  EXPECT_THAT(found.arrays[0].shape, ElementsAre(25, (int64_t{1} << 59) + 1, 0));
  EXPECT_THAT(found.arrays[0].values, IsEmpty());
}

}  // namespace
}  // namespace dcgan::test
