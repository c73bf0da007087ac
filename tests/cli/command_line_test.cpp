#include "tools/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tools/cli/failure_log.h"
#include "tools/cli/options_json.h"

namespace dcgan::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Options {
  int64_t size = 32;
  std::string name;
  std::vector<int64_t> layers;
  double rate = 0.5;
  bool fast = false;
};

template <class Visitor>
void describe(Options& o, Visitor&& f) {
  f(o.size, "size", "pixels");
  f(o.name, "name", "text");
  f(o.layers, "layers", "numbers");
  f(o.rate, "rate", "number");
  f(o.fast, "fast", "switch");
}

CommandLine line_of(std::vector<std::string> words) {
  words.insert(words.begin(), "program");
  return CommandLine("program", words);
}

Options parsed(const std::vector<std::string>& words) {
  Options options;
  CommandLine line = line_of(words);
  line.add("Options", options);
  EXPECT_TRUE(line.parse());
  return options;
}

std::string help_of(CommandLine& line) {
  testing::internal::CaptureStdout();
  EXPECT_FALSE(line.parse());
  return testing::internal::GetCapturedStdout();
}

TEST(CommandLine, SetsTheFieldsOfAStructByTheirFlags) {
  const Options o = parsed({"--size", "64", "--name=a b", "--layers", "1,3", "--rate", "1e-3", "--fast"});
  EXPECT_EQ(o.size, 64);
  EXPECT_EQ(o.name, "a b");
  EXPECT_THAT(o.layers, ElementsAre(1, 3));
  EXPECT_EQ(o.rate, 1e-3);
  EXPECT_TRUE(o.fast);
}

TEST(CommandLine, WinsOverTheFileOfConfigWhichWinsOverTheDefaults) {
  const std::string path = testing::TempDir() + "command_line.ini";
  std::ofstream(path) << "size = 16\nname = file\n";
  const Options o = parsed({"--config", path, "--size", "8"});
  EXPECT_EQ(o.size, 8);
  EXPECT_EQ(o.name, "file");
  EXPECT_EQ(o.rate, 0.5);
  std::filesystem::remove(path);
}

TEST(CommandLine, RefusesAFlagThatIsUnknownAndNamesTheNearestOne) {
  EXPECT_THAT([] { parsed({"--sise", "1"}); }, ThrowsMessage<OptionError>(HasSubstr("did you mean --size?")));
  EXPECT_THAT(
      [] {
        parsed({"-size", "1"});
      },
      ThrowsMessage<OptionError>("-size is unknown; did you mean --size, with two dashes?"));
  EXPECT_THAT(
      [] {
        parsed({"--zz", "1"});
      },
      ThrowsMessage<OptionError>(HasSubstr("--zz is unknown; ")))
      << "of a short name not every letter may be wrong";
  EXPECT_THAT([] { parsed({"--pe", "1"}); }, ThrowsMessage<OptionError>(HasSubstr("did you mean --progress-every?")));
}

TEST(CommandLine, RefusesAValueThatIsNoNumberAndNamesTheFlag) {
  EXPECT_THAT(
      [] {
        parsed({"--size", "many"});
      },
      ThrowsMessage<OptionError>("--size is \"many\"; it must be a whole number."));
}

TEST(CommandLine, TakesNoWordThatItDoesNotExpect) {
  EXPECT_THAT([] { parsed({"word"}); }, ThrowsMessage<OptionError>(HasSubstr("\"word\" is not expected here")));
}

TEST(CommandLine, TakesOneWordNoMoreAndNoLess) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{}, {"a", "b"}}) {
    std::string file;
    CommandLine line = line_of(words);
    line.one(file, "FILE", "packed image file");
    EXPECT_THAT([&] { line.parse(); }, ThrowsMessage<OptionError>("expected one FILE (packed image file), " +
                                                                  std::to_string(words.size()) + " were named."));
  }
  std::string file;
  CommandLine line = line_of({"a"});
  line.one(file, "FILE", "packed image file");
  EXPECT_TRUE(line.parse());
  EXPECT_EQ(file, "a");
}

TEST(CommandLine, MissesAFlagThatIsRequiredAndSaysWhatItNames) {
  Options options;
  CommandLine line = line_of({});
  line.add("Options", options);
  line.require(options.name, "--name", "the name");
  EXPECT_THAT([&] { line.parse(); }, ThrowsMessage<OptionError>("--name is missing; it names the name."));
}

TEST(CommandLine, MissesWordsOfWhichAtLeastOneIsNeeded) {
  std::vector<std::string> parts;
  CommandLine line = line_of({});
  line.positional(parts, "PART.h5", "feature files", 1);
  EXPECT_THAT([&] { line.parse(); }, ThrowsMessage<OptionError>("no PART.h5 given; name feature files."));
}

TEST(CommandLine, TakesForNoThreadsThoseThatTheProcessMayRunOn) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int i = 0; CPU_COUNT(&one) == 0; ++i) {
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  CommandLine line = line_of({});
  EXPECT_TRUE(line.parse());
  sched_setaffinity(0, sizeof before, &before);
  EXPECT_EQ(line.common().threads, 1);
  EXPECT_TRUE(line.all_cores());

  CommandLine given = line_of({"--threads", "3"});
  EXPECT_TRUE(given.parse());
  EXPECT_EQ(given.common().threads, 3);
  EXPECT_FALSE(given.all_cores());
}

TEST(CommandLine, WritesItsWordsForAShellAndReadsThemBack) {
  const std::vector<std::string> words = {"program", "plain", "two words", "it's", "", "a\\b", "*"};
  const CommandLine line("program", words);
  EXPECT_EQ(line.text(), "program plain 'two words' 'it'\\''s' '' 'a\\b' '*'");
  EXPECT_EQ(split_words(line.text()), words);
}

TEST(CommandLine, HelpHasOneHeadingForEachGroupAndTheCommandsBesideIt) {
  Options options;
  Output output;
  CommandLine line("program", {"program", "--help"}, {{"merge", "puts parts together", nullptr}});
  line.about("Does something.", "in.h5 -o out.h5");
  line.add("Output", options);
  line.output(output, "file to make");
  const std::string help = help_of(line);
  EXPECT_EQ(help.find("Output:"), help.rfind("Output:"));
  EXPECT_THAT(help, HasSubstr("Example:\n  program in.h5 -o out.h5\n"));
  EXPECT_THAT(help, HasSubstr("  merge          puts parts together\n"));
}

TEST(CommandLine, LeavesOutCommonOptionsThatTheCommandHasNoUseForAndSaysSoWhereOneIsGiven) {
  CommandLine asked = line_of({"--help"});
  asked.without({"seed", "device"});
  const std::string help = help_of(asked);
  EXPECT_THAT(help, HasSubstr("--threads"));
  EXPECT_THAT(help, testing::Not(testing::ContainsRegex("--seed|--device")));

  CommandLine line = line_of({"--seed", "7", "--threads", "1"});
  line.without({"seed", "device"});
  testing::internal::CaptureStderr();
  EXPECT_TRUE(line.parse());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "--seed is ignored: program has no use for it.\n");
}

TEST(CommandLine, RefusesTheSameFileTwiceHoweverItIsWritten) {
  const auto refuses = [](const std::string& again) {
    std::vector<std::string> files;
    CommandLine line = line_of({"photos", again});
    line.positional(files, "IMAGES", "files");
    EXPECT_THAT([&] { line.parse(); }, ThrowsMessage<OptionError>("\"" + again + "\" is named twice.")) << again;
  };
  for (const char* again : {"photos", "photos/", "./photos", "other/../photos"}) refuses(again);
  refuses((std::filesystem::current_path() / "photos").string());
}

TEST(CommandLine, FindsTheNameThatWasMeantOnlyWhereItIsNear) {
  EXPECT_EQ(nearest("repotr", {"report", "merge"}, 2), "report");
  EXPECT_EQ(nearest("photos", {"report", "export"}, 2), "");
}

TEST(OutputFile, CannotBothGoOnAndStartAnew) {
  Output output{"x.h5", true, true, "file to make"};
  EXPECT_THAT([&] { output.mode(); },
              ThrowsMessage<OptionError>("--resume goes on, --overwrite starts anew; choose one."));
  output.overwrite = false;
  EXPECT_EQ(output.mode(), OutputMode::kResume);
}

TEST(OutputFile, IsMissedAndNotReplacedWithoutTheFlag) {
  Output output{"", false, false, "file to make"};
  EXPECT_THAT([&] { output.require_given(); }, ThrowsMessage<OptionError>("-o is missing; it names the file to make."));
  output.path = testing::TempDir() + "output_test";
  std::ofstream(output.path) << "here";
  EXPECT_THAT([&] { output.require_free(); },
              ThrowsMessage<FileError>(output.path + ": exists; --overwrite replaces it."));
  output.overwrite = true;
  EXPECT_NO_THROW(output.require_free());
  std::filesystem::remove(output.path);
}

TEST(OutputFile, MakesItsFolderOrSaysWhyNot) {
  const std::string folder = testing::TempDir() + "output_test_folder";
  make_folder_of(folder + "/deep/er/file.h5");
  EXPECT_TRUE(std::filesystem::is_directory(folder + "/deep/er"));
  std::ofstream(folder + "/file") << "here";
  for (const std::string& bad : {folder + "/file", folder + "/file/below"}) {
    EXPECT_THAT([&] { make_folder(bad); },
                ThrowsMessage<FileError>(bad + ": is no folder, or lies in a file; name another one."));
  }
  EXPECT_THAT([] { make_folder("/proc/nothing"); }, ThrowsMessage<FileError>(HasSubstr("name another folder.")));
  std::filesystem::remove_all(folder);
}

TEST(Facts, AreOneLineForEachValueWithObjectsIndented) {
  EXPECT_EQ(lines_of({{"rows", 3}, {"model", {{"name", "x"}, {"layers", {1, 2}}}}, {"none", nlohmann::json::object()}}),
            "rows                      3\nmodel\n  name                    x\n  layers                  [1,2]\n"
            "none                      none\n");
}

TEST(Failures, AreTheFirstTenAndACount) {
  testing::internal::CaptureStderr();
  FailureLog failures;
  for (int i = 0; i < 10; ++i) failures.add({"a\n" + std::to_string(i), "bad"});
  failures.finish("photos.h5");
  const std::string ten = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(ten.begin(), ten.end(), '\n'), 10);
  EXPECT_THAT(ten, testing::StartsWith("a\\n0: bad\n"));
  testing::internal::CaptureStderr();
  for (int i = 0; i < 15; ++i) failures.add({"b", "bad"});
  failures.finish("photos.h5");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "and 15 more; all 25 are listed in photos.h5\n");
  EXPECT_EQ(failures.count(), 25);
}

TEST(OptionsJson, GivesBackEveryField) {
  Options written{64, "a", {1, 3}, 1e-3, true};
  nlohmann::ordered_json json;
  to_json(written, json);
  EXPECT_EQ(json.dump(), R"({"size":64,"name":"a","layers":[1,3],"rate":0.001,"fast":true})");
  Options read;
  from_json(json, read);
  EXPECT_EQ(std::tie(read.size, read.name, read.layers, read.rate, read.fast),
            std::tie(written.size, written.name, written.layers, written.rate, written.fast));
}

TEST(OptionsJson, LeavesFieldsThatAreMissingAndRefusesOtherTypes) {
  Options read;
  from_json(nlohmann::ordered_json::object(), read);
  EXPECT_EQ(read.size, 32);
  EXPECT_THAT([&] { from_json({{"size", "many"}}, read); }, ThrowsMessage<Error>("\"size\" is \"many\"."));
}

}  // namespace
}  // namespace dcgan::cli
