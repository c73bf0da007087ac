#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tools/extract/arguments.h"
#include "tools/extract/plan.h"
#include "tools/extract/shard.h"

namespace dcgan::extract_tool {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

cli::Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

TEST(Shard, DividesTheInputsWithoutGapOrOverlap) {
  for (const int64_t inputs : {0, 1, 7, 100}) {
    int64_t next = 0;
    for (int64_t i = 0; i < 3; ++i) {
      const Shard shard = parse_shard(std::to_string(i) + "/3", environment({}));
      EXPECT_EQ(shard.begin(inputs), next);
      next = shard.end(inputs);
    }
    EXPECT_EQ(next, inputs);
  }
}

TEST(Shard, IsEverythingWhereNothingIsSaid) {
  const Shard shard = parse_shard("", environment({{"RANK", "1"}}));
  EXPECT_EQ(shard.begin(10), 0);
  EXPECT_EQ(shard.end(10), 10);
}

TEST(Shard, RefusesWhatIsNoPart) {
  for (const char* text : {"3/3", "-1/3", "1", "1/0", "/", "a/b"}) {
    EXPECT_THAT([&] { parse_shard(text, environment({})); }, ThrowsMessage<OptionError>(HasSubstr("--shard is \"")))
        << text;
  }
}

TEST(Shard, IsOfASlurmArrayWithAnyStart) {
  const Shard shard = parse_shard("auto", environment({{"SLURM_ARRAY_TASK_ID", "7"},
                                                       {"SLURM_ARRAY_TASK_MIN", "3"},
                                                       {"SLURM_ARRAY_TASK_STEP", "2"},
                                                       {"SLURM_ARRAY_TASK_COUNT", "4"}}));
  EXPECT_EQ(shard.index, 2);
  EXPECT_EQ(shard.count, 4);
}

TEST(Shard, DividesATaskOfAnArrayAmongItsRanks) {
  const Shard shard = parse_shard("auto", environment({{"SLURM_ARRAY_TASK_ID", "1"},
                                                       {"SLURM_ARRAY_TASK_MIN", "0"},
                                                       {"SLURM_ARRAY_TASK_COUNT", "3"},
                                                       {"RANK", "1"},
                                                       {"WORLD_SIZE", "2"}}));
  EXPECT_EQ(shard.index, 1 * 2 + 1);
  EXPECT_EQ(shard.count, 3 * 2);
}

TEST(Shard, RefusesAnArrayWithGapsAndAnEnvironmentThatSaysNothing) {
  EXPECT_THAT(
      [] {
        parse_shard("auto", environment({{"SLURM_ARRAY_TASK_ID", "9"},
                                         {"SLURM_ARRAY_TASK_MIN", "0"},
                                         {"SLURM_ARRAY_TASK_COUNT", "3"}}));
      },
      ThrowsMessage<OptionError>(HasSubstr("not evenly spaced")));
  EXPECT_THAT([] { parse_shard("auto", environment({})); },
              ThrowsMessage<OptionError>(AllOf(HasSubstr("SLURM_ARRAY_TASK_ID"), HasSubstr("RANK"))));
}

// Files of which only the names count.
class NamedFiles : public data::ImageSource {
 public:
  explicit NamedFiles(std::vector<std::string> paths, std::string kind = "files")
      : paths_(std::move(paths)), kind_(std::move(kind)) {}
  int64_t count() const override { return static_cast<int64_t>(paths_.size()); }
  std::string path(int64_t i) const override { return paths_[static_cast<size_t>(i)]; }
  const std::vector<std::string>& classes() const override { return classes_; }
  int32_t label(int64_t) const override { return 0; }
  std::vector<data::DecodedImage> load(int64_t, int64_t) const override { return {}; }
  std::string description() const override { return R"({"kind": ")" + kind_ + "\"}"; }

 private:
  std::vector<std::string> paths_, classes_;
  std::string kind_;
};

ExtractionJob job_of(int64_t first, int64_t count, FloatStorage storage) {
  ExtractionJob job;
  job.output = testing::TempDir() + "plan.h5";
  job.info.feature_count = 100;
  job.info.storage = storage;
  job.info.inputs = {"", first, count, 4};
  return job;
}

TEST(Plan, CountsTheTypesOfItsOwnInputsAndTheBytesOfTheirRows) {
  const NamedFiles files({"a.JPG", "b.png", "c.jpg", "d"});
  const Plan all = make_plan(files, job_of(0, 4, FloatStorage::kFloat32));
  EXPECT_EQ(all.types, (std::map<std::string, int64_t>{{"jpg", 2}, {"png", 1}, {"without extension", 1}}));
  EXPECT_EQ(all.output_bytes, 4 * 100 * 4);
  // Beside the rows each path stands in two places, with 48 bytes of bookkeeping.
  EXPECT_EQ(all.needed_bytes, all.output_bytes + 2 * (5 + 5 + 5 + 1) + 4 * 48);
  const Plan part = make_plan(files, job_of(1, 2, FloatStorage::kFloat16));
  EXPECT_EQ(part.types, (std::map<std::string, int64_t>{{"jpg", 1}, {"png", 1}}));
  EXPECT_EQ(part.output_bytes, 2 * 100 * 2);
}

TEST(Plan, CallsPackedImagesByTheirKindWhateverTheirNames) {
  const Plan plan = make_plan(NamedFiles({"a.jpg", "b.png"}, "packed images"), job_of(0, 2, FloatStorage::kFloat32));
  EXPECT_EQ(plan.types, (std::map<std::string, int64_t>{{"packed images", 2}}));
}

TEST(Plan, RefusesAnOutputThatTheDiskCannotHold) {
  Plan plan;
  plan.needed_bytes = 3 << 20;
  plan.free_bytes = 1 << 20;
  plan.folder = "/disk";
  EXPECT_THAT([&] { plan.require_room("x.h5"); },
              ThrowsMessage<FileError>(HasSubstr("x.h5: needs 3.0 MiB, /disk has 1.0 MiB free")));
  plan.free_bytes = plan.needed_bytes;
  EXPECT_NO_THROW(plan.require_room("x.h5"));
}

TEST(CompareRows, MeasuresByTheLargestFeatureAndForgivesTheRoundingOfHalves) {
  const std::vector<float> expected = {1, -4, 0.5f};
  const std::vector<float> found = {1, -4, 0.75f};
  const RowDifference worst = compare_rows(found.data(), expected.data(), 3, FloatStorage::kFloat32);
  EXPECT_EQ(worst.feature, 2u);
  EXPECT_DOUBLE_EQ(worst.relative, 0.25 / 4);
  const std::vector<float> rounded = {1 + std::ldexp(1.0f, -12), -4, 0.5f};
  EXPECT_EQ(compare_rows(rounded.data(), expected.data(), 3, FloatStorage::kFloat16).relative, 0);
  EXPECT_GT(compare_rows(rounded.data(), expected.data(), 3, FloatStorage::kFloat32).relative, 0);
}

TEST(CompareRows, FindsWhatIsNoNumber) {
  const std::vector<float> expected = {1, 2};
  const std::vector<float> found = {1, NAN};
  const RowDifference worst = compare_rows(found.data(), expected.data(), 2, FloatStorage::kFloat32);
  EXPECT_EQ(worst.feature, 1u);
  EXPECT_TRUE(std::isnan(worst.relative));
}

TEST(ExtractArguments, AreRecordedWithEverythingThatRowsDependOn) {
  ExtractArguments arguments;
  cli::CommandLine line("dcgan-extract", {"dcgan-extract", "photos", "--grid", "2", "--layers", "1,3", "--resize",
                                          "area", "--list", "l.txt", "--statistics-from", "s", "-o", "x.h5"});
  ASSERT_TRUE(arguments.parse(line));
  EXPECT_THAT(arguments.record(),
              AllOf(HasSubstr(R"("images":["photos"])"), HasSubstr(R"("grid":2)"), HasSubstr(R"("layers":[1,3])"),
                    HasSubstr(R"("resize":"area")"), HasSubstr(R"("list":"l.txt")"),
                    HasSubstr(R"("statistics-from":"s")"), HasSubstr(R"("model":"tiny-imagenet32-contrastive")")));
}

TEST(ExtractArguments, AreNotRecordedWhereJsonCannotHoldAPath) {
  ExtractArguments arguments;
  arguments.images = {"ph\xF6tos"};  // Latin-1
  EXPECT_EQ(arguments.record(), "");
}

}  // namespace
}  // namespace dcgan::extract_tool
