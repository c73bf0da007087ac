#include "tools/cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>

#include "tools/cli/progress.h"

namespace dcgan::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Result {
  int code = 0;
  std::string out, err;
};

Result run(std::vector<const char*> words, const Program& program) {
  words.insert(words.begin(), "/usr/bin/tool");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Result result;
  result.code = run_program(static_cast<int>(words.size()), words.data(), program);
  result.out = testing::internal::GetCapturedStdout();
  result.err = testing::internal::GetCapturedStderr();
  return result;
}

// A program with the commands `report` and `merge`, which keep the words that they get.
class ProgramTest : public testing::Test {
 protected:
  std::vector<std::string> words_;
  std::string name_;
  std::function<int(CommandLine&)> keep_ = [this](CommandLine& line) {
    line.about("Reports.", "RUN");
    line.positional(words_, "RUN", "run folder");
    name_ = line.program();
    line.parse();
    return 0;
  };
  Program program_{"Does things.", {{"report", "says it", keep_}, {"merge", "joins", keep_}}, nullptr};
};

TEST_F(ProgramTest, RunsTheCommandThatTheFirstWordNames) {
  EXPECT_EQ(run({"merge", "a", "b"}, program_).code, 0);
  EXPECT_EQ(name_, "tool merge");
  EXPECT_THAT(words_, ElementsAre("a", "b"));
}

TEST_F(ProgramTest, TakesHelpAndVersionAsOthersWriteThem) {
  EXPECT_THAT(run({"help"}, program_).out, HasSubstr("Usage: tool COMMAND"));
  EXPECT_EQ(run({"help"}, program_).out, run({"--help"}, program_).out);
  EXPECT_EQ(run({"help", "merge"}, program_).out, run({"merge", "--help"}, program_).out);
  EXPECT_EQ(run({"merge", "help"}, program_).out, "") << "a word of the command's own";
  EXPECT_THAT(run({"-v"}, program_).out, StartsWith("tool (libdcgan) "));
  program_.fallback = keep_;
  EXPECT_THAT(run({"help"}, program_).out, HasSubstr("Commands, with their own --help:\n  report"));
  EXPECT_THAT(run({"-v"}, program_).out, StartsWith("tool (libdcgan) "));
}

TEST_F(ProgramTest, AsksForTheCommandThatWasMeant) {
  const Result typo = run({"repotr"}, program_);
  EXPECT_EQ(typo.code, 2);
  EXPECT_EQ(typo.err, "error: \"repotr\" is no command of tool; did you mean report?; commands: report, merge.\n");
  EXPECT_THAT(run({}, program_).err, HasSubstr("no command given; commands: report, merge."));
}

TEST_F(ProgramTest, AsksForTheCommandThatWasMeantInsteadOfTakingItForAFile) {
  program_.fallback = keep_;
  EXPECT_THAT(run({"merg", "x.h5"}, program_).err, HasSubstr("did you mean merge?"));
  EXPECT_EQ(run({"photos"}, program_).code, 0);
  EXPECT_THAT(words_, ElementsAre("photos"));
}

TEST_F(ProgramTest, TurnsExceptionsIntoOneLineAndTheExitCode) {
  const auto thrown = [](const auto& error) { return run({}, {"", {}, [&](CommandLine&) -> int { throw error; }}); };
  EXPECT_EQ(thrown(Error("bad")).code, 1);
  EXPECT_EQ(thrown(Error("bad")).err, "error: bad\n");
  EXPECT_EQ(thrown(OptionError("--x")).code, 2);
  EXPECT_EQ(thrown(Interrupted()).code, 130);
  EXPECT_EQ(thrown(Interrupted(3, 8, "images")).err,
            "interrupted after 3 of 8 images; the same command with --resume goes on there\n");
  EXPECT_EQ(thrown(std::runtime_error("first line\nwhere it was thrown")).err, "error: first line\n");
}

TEST(Progress, WritesALineNowAndThenWhereThereIsNoTerminal) {
  CommonOptions common;
  common.progress_every = 1e-9;
  testing::internal::CaptureStderr();
  {
    Progress progress("images", 4, common);
    progress.update(0);
    progress.note("loss 1");
    progress.update(2);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::ContainsRegex("^images 2/4 .50%., [0-9.]+/s, 0 s left; loss 1\n$"));
}

TEST(Progress, CountsWithoutATotalToo) {
  CommonOptions common;
  common.progress_every = 1e-9;
  testing::internal::CaptureStderr();
  Progress progress("pass", 0, common);
  progress.update(1);
  progress.note("gap below 0.5");
  progress.update(2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "pass 2; gap below 0.5\n");
}

TEST(Progress, IsSilentBeforeTheTimeHasComeAndWhereItIsNotWanted) {
  CommonOptions common;
  testing::internal::CaptureStderr();
  Progress seldom("images", 4, common);
  common.progress_every = 1e-9;
  common.quiet = true;
  Progress quiet("images", 4, common);
  for (int64_t i = 0; i <= 4; ++i) {
    seldom.update(i);
    quiet.update(i);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
}

}  // namespace
}  // namespace dcgan::cli
