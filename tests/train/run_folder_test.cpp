#include "train/run_folder.h"

#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "dcgan/errors.h"
#include "dcgan/file_locks.h"
#include "dcgan/models.h"
#include "tests/support/bytes_of.h"
#include "tests/support/lock_errors.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/small_runs.h"

namespace dcgan::train {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

SafetensorsFile holding(const std::string& text) {
  SafetensorsFile file;
  file.metadata["text"] = text;
  return file;
}

constexpr const char* kOptions = R"({"options":{},"architecture":{}})";

class TheRunFolder : public testing::Test {
 protected:
  void TearDown() override {
    test::lock_error = 0;
    use_file_locks(true);
  }
  RunFolder open(OutputMode mode) { return {run_, kOptions, {}, mode}; }
  std::unique_ptr<RunFolder> begun(OutputMode mode = OutputMode::kCreate) {
    auto folder = std::make_unique<RunFolder>(run_, kOptions, RunFolder::Workers(), mode);
    folder->begin(listener_);
    return folder;
  }
  std::string checkpoint(int64_t step) const {
    return run_ + "/checkpoints/step-0000000" + std::to_string(step) + ".safetensors";
  }
  void write_checkpoints(const std::vector<int64_t>& steps) {
    const std::unique_ptr<RunFolder> owner = begun(OutputMode::kOverwrite);
    const RunFolder& folder = *owner;
    for (const int64_t step : steps) folder.write_checkpoint(step, holding(std::to_string(step)));
  }
  static void damage(const std::string& file) { fs::resize_file(file, fs::file_size(file) - 1); }

  test::TemporaryFolder temporary_;
  std::string run_ = temporary_ / "run";
  test::Listener listener_;
};

TEST_F(TheRunFolder, SetsADamagedCheckpointAsideAndNamesIt) {
  write_checkpoints({1, 2});
  damage(checkpoint(2));
  EXPECT_EQ(begun(OutputMode::kResume)->newest_checkpoint(listener_).step, 1);
  EXPECT_TRUE(fs::exists(checkpoint(2) + ".damaged"));
  EXPECT_THAT(listener_.heard, HasSubstr(checkpoint(2) + ".damaged"));
}

TEST_F(TheRunFolder, RefusesToStartAtStepZeroWhereCheckpointsCannotBeRead) {
  write_checkpoints({1});
  damage(checkpoint(1));
  const auto newest = [&] { begun(OutputMode::kResume)->newest_checkpoint(listener_); };
  for (int retry = 0; retry < 2; ++retry) {
    EXPECT_THAT(newest, ThrowsMessage<FileError>(HasSubstr("holds no checkpoint that can be read")));
  }

  write_checkpoints({});
  fs::create_symlink(checkpoint(1), checkpoint(1));  // a good file that cannot be opened, as on a network's disk
  EXPECT_THAT(newest, ThrowsMessage<FileError>(HasSubstr(checkpoint(1))));
  EXPECT_TRUE(fs::is_symlink(checkpoint(1))) << "what may be a good checkpoint is left alone";
}

TEST_F(TheRunFolder, GoesBackToTheOldestCheckpointThatCanBeRead) {
  write_checkpoints({1, 2, 3});
  damage(checkpoint(1));
  const std::unique_ptr<RunFolder> owner = begun(OutputMode::kResume);
  RunFolder& folder = *owner;
  const RunFolder::Checkpoint oldest = folder.oldest_checkpoint(listener_);
  folder.drop_checkpoints_after(oldest.step);
  EXPECT_EQ(oldest.step, 2);
  EXPECT_EQ(oldest.file.metadata.at("text"), "2");
  EXPECT_FALSE(fs::exists(checkpoint(3)));
  EXPECT_TRUE(fs::exists(checkpoint(2)));
}

TEST_F(TheRunFolder, TakesCheckpointsWithoutOptionsForARun) {
  write_checkpoints({1});
  fs::remove(run_ + "/options.json");
  EXPECT_THAT([&] { open(OutputMode::kCreate); }, ThrowsMessage<FileError>(HasSubstr("holds a run already")));
  EXPECT_THAT([&] { open(OutputMode::kResume); }, ThrowsMessage<FileError>(HasSubstr("options.json")));
  EXPECT_TRUE(fs::exists(checkpoint(1)));
  EXPECT_FALSE(fs::exists(run_ + "/options.json"));
  begun(OutputMode::kOverwrite);
  EXPECT_FALSE(fs::exists(checkpoint(1)));
}

TEST_F(TheRunFolder, IsLeftAsItIsUntilTheRunBegins) {
  write_checkpoints({1});
  std::ofstream(run_ + "/metrics.jsonl") << "{\"step\":1}\n";
  open(OutputMode::kOverwrite);
  EXPECT_TRUE(fs::exists(checkpoint(1)));
  EXPECT_TRUE(fs::exists(run_ + "/metrics.jsonl"));
}

TEST_F(TheRunFolder, WhereFilesCannotBeLockedIsRefusedWithTheReasonUnlessNobodyAsksForLocks) {
  write_checkpoints({1});
  for (const int error : {ENOLCK, EOPNOTSUPP}) {
    test::lock_error = error;
    use_file_locks(true);
    EXPECT_THAT(
        [&] { open(OutputMode::kResume); },
        ThrowsMessage<FileError>(AllOf(HasSubstr(run_ + ": cannot be locked"), HasSubstr(std::strerror(error)),
                                       HasSubstr("HDF5_USE_FILE_LOCKING=FALSE"), Not(HasSubstr("another training")))));
    use_file_locks(false);
    EXPECT_EQ(begun(OutputMode::kResume)->newest_checkpoint(listener_).step, 1);
  }
  test::lock_error = EWOULDBLOCK;
  use_file_locks(true);
  EXPECT_THAT([&] { open(OutputMode::kResume); },
              ThrowsMessage<FileError>(HasSubstr("another training is writing to it")));
}

TEST_F(TheRunFolder, NeverReplacesTheBestModelByAWorseOneAlsoWhenTheRunGoesBack) {
  const std::unique_ptr<RunFolder> owner = begun();
  RunFolder& folder = *owner;
  const auto score = [&](int64_t step, double value) {
    ModelFile model = initialised_model({}, 1);
    model.training = R"({"step":)" + std::to_string(step) + "}";
    save_model(folder.model_path(), model);
    folder.log_probe(step, value);
  };
  folder.open_log(0);
  score(1, 0.5);
  score(2, 0.6);
  folder.open_log(1);  // as after a collapse
  EXPECT_TRUE(folder.has_measure(1, kProbeScore));
  EXPECT_FALSE(folder.has_measure(2, kProbeScore));
  score(2, 0.55);
  EXPECT_EQ(load_model(run_ + "/best.safetensors").training, R"({"step":2,"probe_score":0.6})");
  fs::copy_file(run_ + "/model.safetensors", run_ + "/best.safetensors", fs::copy_options::overwrite_existing);
  folder.open_log(2);  // a best model of an earlier version, without the score in its record
  score(2, 0.54);
  EXPECT_EQ(load_model(run_ + "/best.safetensors").training, R"({"step":2})");
  score(3, 0.7);
  EXPECT_EQ(load_model(run_ + "/best.safetensors").training, R"({"step":3,"probe_score":0.7})");
}

}  // namespace
}  // namespace dcgan::train
