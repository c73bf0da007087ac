// A feature file survives kill -9, full disks and torn journals: whatever happens, a run that resumes ends with the
// file of an uninterrupted one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include "dcgan/errors.h"
#include "tests/store/example_features.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Mode = FeatureFileWriter::Mode;
constexpr int64_t kInputs = 60;
constexpr int64_t kLost = -1;

class FeatureWriterCrash : public ::testing::Test {
 protected:
  void SetUp() override {
    run_example(folder_ / "whole.h5", kInputs);
    whole_ = contents(folder_ / "whole.h5");
  }
  /// A fresh place for an output.
  std::string fresh() {
    fs::remove_all(folder_ / "run");
    fs::create_directory(folder_ / "run");
    return folder_ / "run/x.h5";
  }
  /// An output of which 40 inputs are done; restore_interrupted() brings its files back to that state.
  std::string interrupted() {
    const std::string path = fresh();
    {
      FeatureFileWriter writer(path, example_info(), Mode::kCreate);
      extract_example(writer, 40);
    }
    fs::create_directory(folder_ / "saved");
    fs::copy(folder_ / "run", folder_ / "saved");
    return path;
  }
  void restore_interrupted() {
    fs::remove_all(folder_ / "run");
    fs::copy(folder_ / "saved", folder_ / "run");
  }
  /// The output is there, equal to the uninterrupted one, and nothing is left beside it.
  void expect_whole(const std::string& path) {
    ASSERT_EQ(contents(path), whole_);
    EXPECT_FALSE(fs::exists(path + ".partial"));
    EXPECT_FALSE(fs::exists(path + ".partial.head"));
  }

  /// What a child reports of its progress; a page that parent and child share.
  volatile int64_t& flushed() { return *flushed_; }

  volatile int64_t* flushed_ = static_cast<int64_t*>(
      ::mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  TemporaryFolder folder_;
  std::string whole_;
};

TEST_F(FeatureWriterCrash, KilledBeforeAnySystemCallItResumesToTheSameRows) {
  int64_t kills = 0;
  while (true) {
    const std::string path = fresh();
    flushed() = 0;
    const Stopped stopped = in_child_killed_at_call(kills, [&] { run_example(path, kInputs, flushed_); });
    if (stopped == Stopped::kUnsupported) GTEST_SKIP() << "a process may not trace its child here";
    if (stopped == Stopped::kFinished) break;
    ++kills;
    const int64_t safe = flushed();
    EXPECT_GE(run_example(path, kInputs), safe) << "rows of a flush were lost";
    expect_whole(path);
    if (HasFatalFailure()) FAIL() << "killed before system call " << kills - 1;
  }
  EXPECT_GE(kills, 50);
  RecordProperty("kills", static_cast<int>(kills));
}

TEST_F(FeatureWriterCrash, KilledWhileClosingAndAgainWhileResumingItKeepsEveryRow) {
  // The last calls of a run are those of close(); each is interrupted twice in a row.
  int64_t all = 0;
  for (std::string path = fresh();; path = fresh(), ++all) {
    const Stopped stopped = in_child_killed_at_call(all, [&] { run_example(path, kInputs); });
    if (stopped == Stopped::kUnsupported) GTEST_SKIP() << "a process may not trace its child here";
    if (stopped == Stopped::kFinished) break;
    if (fs::exists(path + ".partial") && all > 20) {
      in_child_killed_at_call(all % 23, [&] { run_example(path, kInputs); });
      in_child_killed_at_call(all % 41, [&] { run_example(path, kInputs); });
    }
    run_example(path, kInputs);
    expect_whole(path);
    if (HasFatalFailure()) FAIL() << "killed before system call " << all;
  }
}

TEST_F(FeatureWriterCrash, KilledAtRandomMomentsItResumesToTheSameRows) {
  std::mt19937 random(1);
  int kills = 0;
  flushed() = 0;
  for (std::string path = fresh(); kills < 100;) {
    const bool killed = in_child_killed_after(static_cast<int64_t>(random() % 20000), [&] {
      const int64_t safe = flushed();
      if (run_example(path, kInputs, flushed_) < safe) flushed() = kLost;
    });
    kills += killed ? 1 : 0;
    if (!fs::exists(path)) continue;
    expect_whole(path);
    ASSERT_NE(flushed(), kLost) << "rows of a flush were lost";
    if (HasFatalFailure()) FAIL() << "after " << kills << " kills";
    path = fresh();
    flushed() = 0;
  }
}

TEST_F(FeatureWriterCrash, AJournalCutShortAnywhereLosesOnlyItsTail) {
  const std::string path = interrupted();
  const std::string journal = path + ".partial.journal";
  const auto journal_bytes = static_cast<int64_t>(fs::file_size(journal));
  for (int64_t length = 0; length < journal_bytes; length += 13) {
    restore_interrupted();
    fs::resize_file(journal, static_cast<uintmax_t>(length));
    run_example(path, kInputs);
    expect_whole(path);
    if (HasFatalFailure()) FAIL() << "journal cut to " << length << " bytes";
  }
}

TEST_F(FeatureWriterCrash, AFlippedByteInTheJournalLosesOnlyWhatFollowsOrIsRefused) {
  const std::string path = interrupted();
  const std::string journal = path + ".partial.journal";
  const auto journal_bytes = static_cast<int64_t>(fs::file_size(journal));
  int refused = 0;
  for (int64_t at = 0; at < journal_bytes; at += 11) {
    restore_interrupted();
    {
      std::fstream file(journal, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(at);
      const int byte = file.get();
      file.seekp(at);
      file.put(static_cast<char>(byte ^ 0x10));
    }
    try {
      run_example(path, kInputs);
    } catch (const Error& error) {
      ++refused;
      EXPECT_THAT(error.what(), HasSubstr("--overwrite"));
      continue;
    }
    expect_whole(path);
    if (HasFatalFailure()) FAIL() << "byte " << at << " flipped";
  }
  EXPECT_GT(refused, 0) << "the start of the journal was damaged";
}

TEST_F(FeatureWriterCrash, AFullDiskIsOneClearErrorAndTheRunResumesOnceThereIsRoom) {
  fs::create_directory(folder_ / "disk");
  const std::string path = folder_ / "disk/x.h5";
  int stopped = 0;
  for (int64_t bytes = 4096; bytes < 160 * 1024; bytes += 4096) {
    const std::string result = in_child([&]() -> std::string {
      if (!mount_small_disk(folder_ / "disk", bytes)) return "unsupported";
      std::string message;
      try {
        run_example(path, kInputs);
      } catch (const FileError& error) {
        message = error.what();
      }
      const bool begun = fs::exists(path + ".partial");
      if (!message.empty() && (message.find("--resume") != std::string::npos) != begun)
        return "advice is wrong: " + message;
      if (!resize_small_disk(folder_ / "disk", 1 << 20)) return "cannot resize";
      run_example(path, kInputs);
      if (contents(path) != whole_) return "differs after: " + message;
      return message;
    });
    if (result == "unsupported") GTEST_SKIP() << "no small disk may be mounted here";
    if (result.empty()) continue;
    ++stopped;
    EXPECT_THAT(result, HasSubstr("No space left on device")) << bytes;
    EXPECT_THAT(result, Not(HasSubstr("wrong"))) << bytes;
    EXPECT_THAT(result, Not(HasSubstr("differs"))) << bytes;
  }
  EXPECT_GT(stopped, 3);
}

TEST_F(FeatureWriterCrash, AFileSizeLimitWhileClosingKeepsThePartialFile) {
  const std::string path = fresh();
  const std::string result = in_child([&]() -> std::string {
    FeatureFileWriter writer(path, example_info(), Mode::kCreate);
    extract_example(writer, kInputs);
    std::signal(SIGXFSZ, SIG_IGN);
    const rlim_t limit = fs::file_size(path + ".partial") + 600;
    const rlimit limits{limit, limit};
    ::setrlimit(RLIMIT_FSIZE, &limits);
    writer.close();
    return "closed";
  });
  EXPECT_THAT(result, HasSubstr("File too large"));
  EXPECT_THAT(result, HasSubstr("the partial file is kept"));
  run_example(path, kInputs);
  expect_whole(path);
}

}  // namespace
}  // namespace dcgan::test
