#include "dcgan/output_files.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "dcgan/errors.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

using ::testing::HasSubstr;

std::string text_in(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string refusal(const std::string& path) {
  try {
    output_target(path);
  } catch (const FileError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(OutputFiles, AreWrittenThroughSymbolicLinksToWhereTheyLead) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "far");
  std::filesystem::create_symlink("far/second", folder / "first");
  std::filesystem::create_symlink("file", folder / "far/second");
  for (const char* text : {"new", "replaced"}) {
    write_text_file(folder / "first", text);
    EXPECT_EQ(text_in(folder / "far/file"), text);
  }
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "first"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "far/second"));
}

TEST(OutputFiles, AreNoFoldersDevicesOrLinksThatLeadNowhere) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal(folder.path()), HasSubstr("is a folder, no regular file"));
  EXPECT_THAT(refusal("/dev/null"), HasSubstr("is a device, no regular file"));
  std::filesystem::create_symlink("/dev/null", folder / "link");
  EXPECT_THAT(refusal(folder / "link"), HasSubstr("is a device"));
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_THAT(refusal(folder / "loop"), HasSubstr("leads nowhere"));
  EXPECT_EQ(refusal(folder / "new"), "accepted");
}

TEST(OutputFiles, AreNoInputsWhateverTheseAreCalled) {
  const TemporaryFolder folder;
  std::ofstream(folder / "input") << "data";
  std::filesystem::create_hard_link(folder / "input", folder / "hard");
  std::filesystem::create_symlink("input", folder / "soft");
  const auto inputs = [&] { return std::vector<std::string>{folder / "other", folder / "input"}; };
  for (const char* name : {"input", "hard", "soft"}) {
    EXPECT_THROW(refuse_own_input(folder / name, inputs), FileError) << name;
  }
  refuse_own_input(folder / "new", inputs);
}

}  // namespace
}  // namespace dcgan::test
