#include "dcgan/feature_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <functional>

#include "dcgan/errors.h"
#include "tests/store/example_features.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Mode = FeatureFileWriter::Mode;
constexpr int64_t kInputs = 60;

class FeatureMerge : public ::testing::Test {
 protected:
  void SetUp() override {
    run_example(folder_ / "whole.h5", kInputs);
    whole_ = contents(folder_ / "whole.h5");
  }
  /// Inputs first .. end - 1 of the whole, copied from it.
  std::string part(int64_t first, int64_t end, const std::function<void(FeatureFileInfo&)>& change = {}) {
    const FeatureFileReader whole(folder_ / "whole.h5");
    FeatureFileInfo info = example_info();
    info.inputs.first = first;
    info.inputs.count = end - first;
    if (change) change(info);
    const std::string path = folder_ / (std::to_string(first) + "-" + std::to_string(end) + ".h5");
    FeatureFileWriter writer(path, info, Mode::kOverwrite);
    for (int64_t i = first; i < end; ++i) {
      const int64_t row = expected_rows(i);
      if (i % 11 == 10) {
        writer.append(nullptr, {}, {}, {whole.failures().at(static_cast<size_t>(i / 11))}, i + 1 - first);
      } else {
        for (const Failure& warning : whole.warnings()) {
          if (warning.path == whole.paths().at(static_cast<size_t>(row))) writer.warn({warning});
        }
        writer.append(example_rows(row, 1).data(), {whole.paths().at(static_cast<size_t>(row))},
                      {whole.labels().at(static_cast<size_t>(row))}, {}, i + 1 - first);
      }
    }
    writer.close();
    return path;
  }
  MergeJob job(std::vector<std::string> parts, bool virtual_rows = false) const {
    MergeJob merge;
    merge.output = output_;
    merge.parts = std::move(parts);
    merge.virtual_rows = virtual_rows;
    return merge;
  }
  std::string refusal(const std::vector<std::string>& parts) const {
    try {
      merge_features(job(parts));
    } catch (const Error& error) {
      EXPECT_FALSE(fs::exists(output_)) << error.what();
      EXPECT_FALSE(fs::exists(output_ + ".partial")) << error.what();
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder_;
  std::string output_ = folder_ / "merged.h5";
  std::string whole_;
};

TEST_F(FeatureMerge, OfPartsInAnyOrderEqualsTheExtractionInOnePiece) {
  const std::vector<std::string> parts = {part(40, 60), part(10, 11), part(0, 10), part(11, 11), part(11, 40)};
  for (const bool virtual_rows : {false, true}) {
    fs::remove(output_);
    const MergeResult result = merge_features(job(parts, virtual_rows));
    EXPECT_EQ(result.rows, 55);
    EXPECT_EQ(result.failures, 5);
    EXPECT_EQ(contents(output_), whole_) << "virtual: " << virtual_rows;
    const InputRange inputs = FeatureFileReader(output_).info().inputs;
    EXPECT_EQ(inputs.first, 0);
    EXPECT_EQ(inputs.count, kInputs);
  }
}

TEST_F(FeatureMerge, KeepsHalvesAsTheyAre) {
  const auto half = [](FeatureFileInfo& info) { info.storage = FloatStorage::kFloat16; };
  merge_features(job({part(0, 33, half), part(33, 60, half)}));
  EXPECT_EQ(FeatureFileReader(output_).info().storage, FloatStorage::kFloat16);
  EXPECT_EQ(contents(output_), whole_) << "the values are exact in float16";
}

TEST_F(FeatureMerge, NamesInputsThatLieInNoPart) {
  const std::string first = part(0, 20), second = part(20, 40), third = part(40, 60);
  EXPECT_THAT(refusal({first, third}), AllOf(StartsWith(third), HasSubstr("inputs 20 to 39 of 60"), HasSubstr(first)));
  EXPECT_THAT(refusal({second, third}), AllOf(StartsWith(second), HasSubstr("inputs 0 to 19 of 60")));
  EXPECT_THAT(refusal({first, second}), AllOf(StartsWith(second), HasSubstr("inputs 40 to 59 of 60")));
  EXPECT_THAT(refusal({part(0, 59)}), HasSubstr("input 59 of 60 lie"));
}

TEST_F(FeatureMerge, NamesInputsThatLieInTwoParts) {
  const std::string first = part(0, 31), second = part(20, 60);
  EXPECT_THAT(refusal({first, second}), AllOf(StartsWith(second), HasSubstr("inputs 20 to 30 lie"), HasSubstr(first)));
  EXPECT_THAT(refusal({first, first, part(31, 60)}), AllOf(StartsWith(first), HasSubstr("inputs 0 to 30")));
}

TEST_F(FeatureMerge, NamesWhatIsForeignInAPart) {
  const std::string first = part(0, 30);
  const auto refused_with = [&](const std::function<void(FeatureFileInfo&)>& change) {
    return refusal({first, part(30, 60, change)});
  };
  const std::string name = folder_ / "30-60.h5";
  EXPECT_THAT(refused_with([](FeatureFileInfo& i) { i.model_sha256 = std::string(64, 'b'); }),
              AllOf(StartsWith(name), HasSubstr("model_sha256 is \"bbb"), HasSubstr("\"aaa"), HasSubstr(first)));
  EXPECT_THAT(refused_with([](FeatureFileInfo& i) { i.layers = {1, 3}; }), HasSubstr("layers is \"1,3\""));
  EXPECT_THAT(refused_with([](FeatureFileInfo& i) { i.preprocessing = "{}"; }), HasSubstr("preprocessing is \"{}\""));
  EXPECT_THAT(refused_with([](FeatureFileInfo& i) { i.inputs.list = "other"; }), HasSubstr("input_list is \"other\""));
  EXPECT_THAT(refused_with([](FeatureFileInfo& i) { i.storage = FloatStorage::kFloat16; }), HasSubstr("storage"));
  EXPECT_THAT(refused_with([](FeatureFileInfo& i) { i.grid = 2; }), HasSubstr("grid is \"2\""));
  EXPECT_EQ(refused_with([](FeatureFileInfo& i) { i.command_line = "elsewhere"; }), "accepted");
}

TEST_F(FeatureMerge, RefusesAPartThatIsTheOutputOrExistsAlready) {
  output_ = part(0, 60);
  const auto merge = [&](Mode mode) {
    MergeJob again = job({output_});
    again.mode = mode;
    merge_features(again);
  };
  EXPECT_THAT([&] { merge(Mode::kCreate); }, ::testing::ThrowsMessage<FileError>(HasSubstr("--overwrite")));
  EXPECT_THAT([&] { merge(Mode::kOverwrite); },
              ::testing::ThrowsMessage<FileError>(HasSubstr("would be written over")));
  EXPECT_EQ(contents(output_), whole_);
}

TEST_F(FeatureMerge, RefusesToReplaceThePartsOfAVirtualOne) {
  const std::string only = part(0, 60);
  merge_features(job({only}, true));
  MergeJob again = job({output_});
  again.output = only;
  again.mode = Mode::kOverwrite;
  EXPECT_THAT([&] { merge_features(again); },
              ::testing::ThrowsMessage<FileError>(AllOf(HasSubstr(only), HasSubstr("would be written over"))));
  EXPECT_EQ(contents(output_), whole_);
}

TEST_F(FeatureMerge, RefusesAPartThatDoesNotSayWhichInputsItHolds) {
  const std::string old = part(0, 60, [](FeatureFileInfo& info) { info.inputs = {"", 0, 60, 0}; });
  EXPECT_THAT(refusal({old}), AllOf(StartsWith(old), HasSubstr("no input_total"), HasSubstr("dcgan-extract --shard")));
}

TEST_F(FeatureMerge, ResumedWhereItIsCompleteItSaysWhatIsThereAndWhatItWasMadeWith) {
  const std::vector<std::string> parts = {part(0, 33), part(33, 60)};
  merge_features(job(parts));
  MergeJob again = job(parts);
  again.mode = Mode::kResume;
  const auto written = fs::last_write_time(output_);
  const MergeResult result = merge_features(again);
  EXPECT_EQ(result.rows, 55);
  EXPECT_EQ(result.failures, 5);
  const auto grid_2 = [](FeatureFileInfo& info) { info.grid = 2; };
  again.parts = {part(0, 33, grid_2), part(33, 60, grid_2)};
  EXPECT_THAT([&] { merge_features(again); },
              ::testing::ThrowsMessage<FileError>(AllOf(
                  StartsWith(output_), HasSubstr("is complete, but was made with grid 4, now it is 2; --overwrite"))));
  EXPECT_EQ(fs::last_write_time(output_), written);
}

TEST_F(FeatureMerge, ShowsLongValuesWhereTheyDiffer) {
  const auto with = [](char sign) {
    return [sign](FeatureFileInfo& info) { info.preprocessing = std::string(200, '-') + sign + std::string(200, '-'); };
  };
  const auto shown = [](char sign) { return "\"..." + std::string(40, '-') + sign + std::string(39, '-') + "...\""; };
  EXPECT_THAT(refusal({part(0, 33, with('y')), part(33, 60, with('z'))}),
              AllOf(HasSubstr("preprocessing is " + shown('z')), HasSubstr("it is " + shown('y'))));
}

TEST_F(FeatureMerge, StoppedAnywhereItResumes) {
  const std::vector<std::string> parts = {part(0, 10), part(10, 11), part(11, 40), part(40, 60)};
  for (int stop_after = 1; stop_after <= 4; ++stop_after) {
    MergeJob merge = job(parts);
    merge.mode = Mode::kOverwrite;
    merge.should_stop = [left = stop_after]() mutable { return --left == 0; };
    EXPECT_TRUE(merge_features(merge).stopped);
    EXPECT_THAT([&] { merge_features(job(parts)); },
                ::testing::ThrowsMessage<FileError>(AllOf(HasSubstr("--resume"), HasSubstr("--overwrite"))));
    merge = job(parts);
    merge.mode = Mode::kResume;
    merge_features(merge);
    EXPECT_EQ(contents(output_), whole_) << stop_after;
    fs::remove(output_);
  }
}

TEST_F(FeatureMerge, AVirtualOneMovesWithItsPartsAndSaysWhichAreMissingOrChanged) {
  fs::create_directory(folder_ / "100%b");
  const std::string left = folder_ / "100%b/left.h5", right = folder_ / "right.h5";
  fs::rename(part(0, 30), left);
  fs::rename(part(30, 60), right);
  merge_features(job({left, right}, true));
  EXPECT_LT(fs::file_size(output_), fs::file_size(folder_ / "whole.h5"));
  EXPECT_EQ(contents(output_), whole_);

  fs::create_directory(folder_ / "moved");
  for (const char* name : {"100%b", "right.h5", "merged.h5"})
    fs::rename(folder_ / name, folder_ / ("moved/" + std::string(name)));
  output_ = folder_ / "moved/merged.h5";
  EXPECT_EQ(contents(output_), whole_) << "the names of the parts are relative";

  fs::rename(folder_ / "moved/right.h5", folder_ / "aside.h5");
  const auto read = [&] { FeatureFileReader reader(output_); };
  EXPECT_THAT(read, ::testing::ThrowsMessage<FileError>(AllOf(HasSubstr("moved/right.h5"), HasSubstr("not there"))));
  fs::rename(part(30, 59), folder_ / "moved/right.h5");
  EXPECT_THAT(read, ::testing::ThrowsMessage<FileError>(HasSubstr("another shape now")));
  fs::copy(output_, folder_ / "moved/right.h5", fs::copy_options::overwrite_existing);
  EXPECT_THAT(read, ::testing::ThrowsMessage<FileError>(HasSubstr("virtual itself")));
}

TEST_F(FeatureMerge, AVirtualOneOfMorePartsThanFilesMayBeOpenRaisesTheSoftLimitOrIsRefused) {
  std::vector<std::string> parts;
  for (int64_t i = 0; i < kInputs; ++i) parts.push_back(part(i, i + 1));
  const auto with_limits = [](rlim_t soft, rlim_t hard, const std::function<std::string()>& work) {
    return in_child([&] {
      const rlimit limits{soft, hard};
      ::setrlimit(RLIMIT_NOFILE, &limits);
      return work();
    });
  };
  const auto merged = [&] {
    merge_features(job(parts, true));
    return contents(output_);
  };
  EXPECT_EQ(with_limits(40, 400, merged), whole_) << "HDF5 gives zeros where it cannot open a file";
  EXPECT_EQ(with_limits(40, 400, [&] { return contents(output_); }), whole_);
  const auto refused = AllOf(StartsWith("threw: " + output_), HasSubstr("rows from 55 files"),
                             HasSubstr("may have 80 open"), HasSubstr("ulimit -Hn"), HasSubstr("without --virtual"));
  EXPECT_THAT(with_limits(80, 80, [&] { return contents(output_); }), refused);
  fs::remove(output_);
  EXPECT_THAT(with_limits(80, 80, merged), refused);
  EXPECT_FALSE(fs::exists(output_));
  EXPECT_FALSE(fs::exists(output_ + ".partial"));
}

TEST_F(FeatureMerge, TwoVirtualOnesThatAreOpenAtATimeHaveRoomForTheFilesOfBoth) {
  std::vector<std::string> parts;
  for (int64_t i = 0; i < kInputs; ++i) parts.push_back(part(i, i + 1));
  merge_features(job(parts, true));
  EXPECT_EQ(in_child([&] {
              const rlimit limits{110, 1000};
              ::setrlimit(RLIMIT_NOFILE, &limits);
              const FeatureFileReader one(output_), other(output_);  // no file of a part is open yet
              rlimit now{};
              ::getrlimit(RLIMIT_NOFILE, &now);
              return now.rlim_cur >= 2 * 55 + 3 ? std::string("room") : "only " + std::to_string(now.rlim_cur);
            }),
            "room");
}

}  // namespace
}  // namespace dcgan::test
