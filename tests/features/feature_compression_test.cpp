#include "dcgan/feature_compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "dcgan/errors.h"
#include "dcgan/safetensors.h"

namespace dcgan {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class FeatureCompressionTest : public testing::Test {
 protected:
  static constexpr int64_t kColumns = 5000, kDimensions = 21;  // neither a multiple of a panel or a piece

  FeatureCompressionTest() {
    map_.dimensions = kDimensions;
    map_.model_sha256 = "abc";
    map_.layers = {1, 2};
    map_.preprocessing = R"({"images":{"kind":"files"},"resize":{"size":32},"scale":"x","statistics":{}})";
    map_.weights = random(kDimensions * kColumns);
    map_.offsets = random(kDimensions);
    FeatureCompression::save(path_, map_);
  }
  ~FeatureCompressionTest() override { std::filesystem::remove(path_); }

  std::vector<float> random(int64_t count) {
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = uniform(generator_);
    return values;
  }

  std::mt19937 generator_{1};
  std::string path_ = testing::TempDir() + "compression.safetensors";
  CompressionMap map_;
};

TEST_F(FeatureCompressionTest, AppliesTheMapToEachRowWhateverTheOthersAndTheThreads) {
  const std::vector<float> rows = random(7 * kColumns);
  std::vector<float> found(7 * kDimensions), alone(kDimensions);
  const FeatureCompression one(path_, 1), three(path_, 3);
  EXPECT_EQ(one.feature_count(), kColumns);
  EXPECT_EQ(one.dimensions(), kDimensions);
  one.apply(rows.data(), 7, found.data());
  for (int64_t i = 0; i < 7; ++i) {
    for (int64_t k = 0; k < kDimensions; ++k) {
      double expected = double{map_.offsets[static_cast<size_t>(k)]};
      for (int64_t d = 0; d < kColumns; ++d) {
        expected += double{map_.weights[static_cast<size_t>(k * kColumns + d)]} *
                    double{rows[static_cast<size_t>(i * kColumns + d)]};
      }
      EXPECT_NEAR(found[static_cast<size_t>(i * kDimensions + k)], expected, 1e-4);
    }
    three.apply(rows.data() + i * kColumns, 1, alone.data());
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), found.begin() + i * kDimensions)) << i;
  }
}

TEST_F(FeatureCompressionTest, RefusesFeaturesOfAnotherOriginAndNamesTheDifference) {
  const FeatureCompression compression(path_, 1);
  EXPECT_NO_THROW(compression.require(map_, kColumns));
  CompressionMap other = map_;
  other.preprocessing = R"({"images":{"kind":"tar"},"resize":{"size":32},"scale":"x","statistics":{}})";
  EXPECT_NO_THROW(compression.require(other, kColumns)) << "where images lie decides nothing";
  const auto refuses = [&](const CompressionMap& features, int64_t columns, const std::string& difference) {
    EXPECT_THAT([&] { compression.require(features, columns); }, ThrowsMessage<OptionError>(HasSubstr(difference)));
  };
  other.preprocessing = R"({"resize":{"size":64},"scale":"x","statistics":{}})";
  refuses(other, kColumns, "the preprocessing is ");
  other = map_;
  other.model_sha256 = "def";
  refuses(other, kColumns, "the model is def, and it was fitted to features where it is abc");
  other = map_;
  other.layers = {1};
  refuses(other, kColumns, "the list of layers is [1]");
  other = map_;
  other.grid = 2;
  refuses(other, kColumns, "the grid is 2");
  refuses(map_, 4, "the number of features is 4");
}

TEST_F(FeatureCompressionTest, RefusesFilesThatAreNoCompressionOrDamaged) {
  SafetensorsFile whole = read_safetensors(path_);
  const auto refuses = [&](const SafetensorsFile& file, const std::string& what) {
    write_safetensors(path_, file);
    EXPECT_THAT([&] { FeatureCompression compression(path_, 1); }, ThrowsMessage<FileError>(HasSubstr(what)));
  };
  SafetensorsFile file = whole;
  file.metadata["format"] = "dcgan-model";
  refuses(file, "dcgan-eval compress makes one");
  file = whole;
  file.metadata["format_version"] = "2";
  refuses(file, "format version 2");
  file = whole;
  file.metadata["grid"] = "four";
  refuses(file, "metadata is damaged");
  file = whole;
  file.tensors.erase("offsets");
  refuses(file, "no float32 tensor \"offsets\"");
  file = whole;
  file.tensors["offsets"] = make_tensor({2}, {1, 2});
  refuses(file, "2 offsets for 21 dimensions");
  CompressionMap infinite = map_;
  infinite.offsets[3] = INFINITY;
  EXPECT_THAT([&] { FeatureCompression::save(path_, infinite); }, ThrowsMessage<FileError>(HasSubstr("not finite")));
}

TEST_F(FeatureCompressionTest, EqualMapsGiveEqualBytes) {
  const std::string again = testing::TempDir() + "compression2.safetensors";
  FeatureCompression::save(again, map_);
  const auto bytes = [](const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(bytes(path_), bytes(again));
  EXPECT_EQ(FeatureCompression(path_, 1).sha256(), FeatureCompression(again, 1).sha256());
  std::filesystem::remove(again);
}

}  // namespace
}  // namespace dcgan
