#include "data/svhn_mat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/matlab_file.h"
#include "dcgan/errors.h"
#include "tests/data/example_images.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char* const kKinds[] = {"plain", "compressed"};

// Written by scipy: golden/make_data_svhn.py.
std::string golden_mat(const std::string& kind) {
  return std::string(DCGAN_SOURCE_DIR "/tests/golden/data/svhn/") + kind + ".mat";
}

std::string message_for(const Bytes& bytes) {
  static const TemporaryFolder folder;
  write_bytes(folder / "a.mat", bytes);
  try {
    data::read_svhn_mat(folder / "a.mat");
  } catch (const FileError& e) {
    return e.what();
  }
  return "";
}

TEST(SvhnMat, TurnsMatlabsColumnsIntoPixelsAndTenIntoZero) {
  for (const char* kind : kKinds) {
    const ImageBatch batch = data::read_svhn_mat(golden_mat(kind));
    EXPECT_THAT(batch.labels, ElementsAre(0, 1, 9));
    EXPECT_EQ(batch.paths[2], std::string(kind) + "/000002");
    ASSERT_EQ(batch.pixels.size(), 3U * 3072U);
    for (int64_t i = 0; i < 3 * 3072; ++i) {
      const int64_t image = i / 3072, row = i / 96 % 32, column = i / 3 % 32, channel = i % 3;
      ASSERT_EQ(batch.pixels[static_cast<size_t>(i)], (7 * image + 50 * channel + 3 * row + column / 8) % 256) << i;
    }
  }
}

TEST(MatlabFile, NamesKindAndShapeOfEveryVariable) {
  for (const char* kind : kKinds) {
    std::vector<std::string> found;
    for (data::MatlabFile file(golden_mat(kind)); file.next();) {
      found.push_back(file.array().name + " " + file.array().type + " " + std::to_string(file.array().count));
    }
    EXPECT_THAT(found, ElementsAre("note char 4", "cells cell 2", "record struct 1", "waves complex double 4",
                                   "X uint8 9216", "y uint8 3", "empty double 0"));
  }
}

TEST(SvhnMat, RefusesAFileCutAtAnyByte) {
  for (const char* kind : kKinds) {
    const Bytes whole = read_bytes(golden_mat(kind));
    ASSERT_EQ(message_for(whole), "");
    // Each byte of the small file; of the large one those of the tags, and some inside the pixels. A file that ends
    // after y is whole.
    int64_t accepted = 0;
    for (size_t length = 0; length<whole.size(); length += length> 900 && length + 300 < whole.size() ? 97 : 1) {
      const std::string message = message_for({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
      accepted += message.empty();
      EXPECT_THAT(message, AnyOf("", HasSubstr("fetch it again"), HasSubstr("has no variable"))) << length;
    }
    EXPECT_LE(accepted, 1) << kind;
  }
}

TEST(SvhnMat, FindsDamageAnywhereInCompressedPixels) {
  Bytes bytes = read_bytes(golden_mat("compressed"));
  const ImageBatch good = data::read_svhn_mat(golden_mat("compressed"));
  const TemporaryFolder folder;
  for (size_t at = 128; at < bytes.size(); ++at) {
    bytes[at] ^= 0x10;
    write_bytes(folder / "a.mat", bytes);
    try {
      // What is not read (variables of other names) is not checked.
      const ImageBatch read = data::read_svhn_mat(folder / "a.mat");
      EXPECT_EQ(read.pixels, good.pixels) << at;
      EXPECT_EQ(read.labels, good.labels) << at;
    } catch (const FileError& e) {
      EXPECT_THAT(e.what(), HasSubstr("a.mat: ")) << at;
    }
    bytes[at] ^= 0x10;
  }
}

TEST(SvhnMat, TakesNoMemoryForSizesThatTheFileCannotHold) {
  Bytes bytes = read_bytes(golden_mat("plain"));
  // The last dimension of X, after its tag, flags and the first three dimensions.
  const Bytes shape = {32, 0, 0, 0, 32, 0, 0, 0, 3, 0, 0, 0};
  const auto x = std::search(bytes.begin(), bytes.end(), shape.begin(), shape.end());
  ASSERT_NE(x, bytes.end());
  std::fill_n(x + 12, 4, uint8_t{0x7f});
  EXPECT_THAT(message_for(bytes), HasSubstr("does not fit its shape"));
}

TEST(SvhnMat, SaysWhichKindOfFileItIsNot) {
  Bytes bytes = read_bytes(golden_mat("plain"));
  bytes[125] = 2;
  EXPECT_THAT(message_for(bytes),
              HasSubstr("is a MATLAB 7.3 file (HDF5), expected version 5; save it again with -v7."));
  bytes[125] = 1;
  std::swap(bytes[126], bytes[127]);
  EXPECT_THAT(message_for(bytes), HasSubstr("big-endian"));
  EXPECT_THAT(message_for(Bytes(1000, 'x')), HasSubstr("is no MATLAB 5 file"));
  EXPECT_THAT(message_for(Bytes(50, 'x')), HasSubstr("50 bytes, too few"));
}

}  // namespace
}  // namespace dcgan::test
