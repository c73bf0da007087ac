#include "data/cifar10_binary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "data/open_images.h"
#include "dcgan/errors.h"
#include "tests/data/example_images.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Record r: label (r + shift) % 10, plane c of value (r + 50 c + row) % 256 in every column but the last, which is 7.
Bytes batch_bytes(int shift) {
  Bytes bytes;
  bytes.reserve(30'730'000);
  for (int record = 0; record < 10'000; ++record) {
    bytes.push_back(static_cast<uint8_t>((record + shift) % 10));
    for (int c = 0; c < 3; ++c) {
      for (int row = 0; row < 32; ++row) {
        bytes.insert(bytes.end(), 31, static_cast<uint8_t>(record + 50 * c + row));
        bytes.push_back(7);
      }
    }
  }
  return bytes;
}

std::string message_of(const std::string& path) {
  try {
    data::read_cifar10_batch(path);
  } catch (const FileError& e) {
    return e.what();
  }
  return "no error";
}

TEST(Cifar10Binary, ReadsPlanesAsPixelsAndLabelsInOfficialOrder) {
  const TemporaryFolder folder;
  write_bytes(folder / "test_batch.bin", batch_bytes(3));
  const ImageBatch batch = data::read_cifar10_batch(folder / "test_batch.bin");
  ASSERT_EQ(batch.count(), 10'000);
  EXPECT_EQ(batch.paths[1234], "test_batch/01234");
  EXPECT_EQ(batch.labels[1234], 7);
  const uint8_t* image = batch.pixels.data() + 1234 * 3072;
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(image[(5 * 32 + 9) * 3 + c], (1234 + 50 * c + 5) % 256);
    EXPECT_EQ(image[(5 * 32 + 31) * 3 + c], 7);
  }
}

TEST(Cifar10Binary, RefusesAnotherLengthAndSaysBoth) {
  const TemporaryFolder folder;
  Bytes bytes = batch_bytes(0);
  bytes.pop_back();
  write_bytes(folder / "short.bin", bytes);
  EXPECT_EQ(
      message_of(folder / "short.bin"),
      folder / "short.bin" + ": 30,729,999 bytes, expected 30,730,000; the download is cut short, fetch it again.");
  bytes.insert(bytes.end(), 2, 0);
  write_bytes(folder / "long.bin", bytes);
  EXPECT_THAT(message_of(folder / "long.bin"), HasSubstr("30,730,001 bytes, expected 30,730,000"));
  EXPECT_THAT(message_of(folder / "missing.bin"), HasSubstr("missing.bin: cannot be opened"));
}

TEST(Cifar10Binary, RefusesALabelAboveNineAndNamesTheRecord) {
  const TemporaryFolder folder;
  Bytes bytes = batch_bytes(0);
  bytes[3073 * 17] = 10;
  write_bytes(folder / "bad.bin", bytes);
  EXPECT_EQ(message_of(folder / "bad.bin"),
            folder / "bad.bin" + ": label 10 in record 17, expected 0 to 9; the file is damaged, or of CIFAR-100.");
}

TEST(Cifar10Binary, FindsTheFolderOrTheOneAroundItAndNamesClasses) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "cifar-10-batches-bin");
  write_bytes(folder / "cifar-10-batches-bin/test_batch.bin", batch_bytes(0));
  for (const std::string& named : {folder.path(), folder / "cifar-10-batches-bin"}) {
    const auto source = data::open_cifar10(named, data::CifarSplit::kTest);
    EXPECT_EQ(source->count(), 10'000);
    EXPECT_EQ(source->classes().at(9), "truck");
  }
  std::ofstream(folder / "cifar-10-batches-bin/batches.meta.txt") << "airplane\nautomobile\n";
  EXPECT_THROW(data::open_cifar10(folder.path(), data::CifarSplit::kTest), FileError);
}

TEST(Cifar10Binary, NamesTheBatchThatIsMissing) {
  const TemporaryFolder folder;
  write_bytes(folder / "data_batch_1.bin", batch_bytes(0));
  try {
    data::open_cifar10(folder.path(), data::CifarSplit::kTrain);
    FAIL() << "accepted";
  } catch (const FileError& e) {
    EXPECT_THAT(e.what(), HasSubstr("data_batch_2.bin: cannot be opened"));
  }
}

}  // namespace
}  // namespace dcgan::test
