#include "dcgan/feature_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "dcgan/errors.h"
#include "tests/support/temporary_folder.h"

namespace dcgan {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Mode = FeatureFileWriter::Mode;

FeatureFileInfo example_info(FeatureStorage storage = FeatureStorage::kFloat32) {
  FeatureFileInfo info;
  info.feature_count = 48;
  info.model_sha256 = std::string(64, 'a');
  info.architecture = R"({"ndf":1})";
  info.layers = {1, 2};
  info.layer_offsets = {0, 16, 48};
  info.grid = 4;
  info.preprocessing = R"({"resize":"area"})";
  info.command_line = "dcgan-extract images -o x.h5";
  info.seed = 18446744073709551615U;
  info.classes = {"cat", "dog"};
  info.storage = storage;
  return info;
}

/// Row i of `example` files: exact in float16, too.
std::vector<float> example_rows(int64_t first, int64_t count, int64_t columns) {
  std::vector<float> rows(static_cast<size_t>(count * columns));
  for (int64_t i = 0; i < count * columns; ++i)
    rows[static_cast<size_t>(i)] = static_cast<float>((first * columns + i) % 2048) / 4 - 100;
  return rows;
}

void append_example(FeatureFileWriter& writer, int64_t first, int64_t count, int64_t columns) {
  std::vector<std::string> paths;
  std::vector<int32_t> labels;
  for (int64_t i = first; i < first + count; ++i) {
    paths.push_back("cat/" + std::to_string(i) + "\xc3\xa4.png");
    labels.push_back(static_cast<int32_t>(i % 2));
  }
  writer.append(example_rows(first, count, columns).data(), paths, labels,
                {{"bad" + std::to_string(first), "no image"}}, first + count + 1);
}

class FeatureFile : public ::testing::TestWithParam<FeatureStorage> {
 protected:
  test::TemporaryFolder folder_;
  std::string path_ = folder_ / "x.h5";
};

TEST_P(FeatureFile, ReadsBackWhatWasWritten) {
  const FeatureFileInfo info = example_info(GetParam());
  FeatureFileWriter writer(path_, info, 1000, "f", Mode::kCreate);
  for (int64_t first = 0; first < 900; first += 90) append_example(writer, first, 90, 48);
  EXPECT_EQ(writer.rows(), 900);
  writer.close();

  const FeatureFileReader reader(path_);
  EXPECT_EQ(reader.rows(), 900);
  EXPECT_EQ(reader.feature_count(), 48);
  EXPECT_EQ(reader.info().storage, GetParam());
  EXPECT_EQ(reader.info().layers, info.layers);
  EXPECT_EQ(reader.info().layer_offsets, info.layer_offsets);
  EXPECT_EQ(reader.info().seed, info.seed);
  EXPECT_EQ(reader.info().classes, info.classes);
  EXPECT_EQ(reader.info().command_line, info.command_line);
  EXPECT_EQ(reader.paths()[899], "cat/899\xc3\xa4.png");
  EXPECT_EQ(reader.labels()[899], 1);
  EXPECT_EQ(reader.failures().size(), 10);
  std::vector<float> rows(900 * 48);
  reader.read(0, 900, rows.data());
  EXPECT_EQ(rows, example_rows(0, 900, 48));
  rows.resize(7 * 48);
  reader.read(893, 7, rows.data());
  EXPECT_EQ(rows, example_rows(893, 7, 48));
}

INSTANTIATE_TEST_SUITE_P(BothStorages, FeatureFile,
                         ::testing::Values(FeatureStorage::kFloat32, FeatureStorage::kFloat16),
                         [](const auto& storage) { return to_name(storage.param); });

}  // namespace
}  // namespace dcgan
