// Archives of independent writers (GNU tar, Python's tarfile in every format) are in tests/tools/extract_test.py; here
// are the ones that no good writer makes.
#include "data/tar_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "data/image_folder.h"
#include "data/open_images.h"
#include "dcgan/errors.h"
#include "tests/data/example_images.h"
#include "tests/data/example_tar.h"
#include "tests/support/bytes_of.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TarArchiveTest : public ::testing::Test {
 protected:
  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  std::string refusal(const std::string& bytes) const {
    write(bytes);
    try {
      data::list_images({path_});
    } catch (const FileError& error) {
      EXPECT_THAT(error.what(), StartsWith(path_ + ": "));
      return error.what();
    }
    return "accepted";
  }
  std::vector<std::string> paths(const std::string& bytes) const {
    write(bytes);
    return data::list_images({path_}).paths;
  }
  std::string content(const std::string& path) const {
    const data::TarArchive archive(path_);
    const data::ArchiveMember* member = archive.find(path);
    if (member == nullptr || !member->failure.empty()) return member == nullptr ? "absent" : member->failure;
    const std::vector<uint8_t> bytes = archive.read(*member, member->size);
    return {bytes.begin(), bytes.end()};
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "x.tar";
};

TEST_F(TarArchiveTest, ListsImagesInByteOrderAndReadsWhereTheyLie) {
  EXPECT_THAT(paths(tar_member("./b/2.PNG", "two") + tar_member("/a/1.jpg", std::string(513, '1')) +
                    tar_member("a/notes.txt", "no image") + tar_member("a/", "", '5') + tar_end()),
              ElementsAre("a/1.jpg", "b/2.PNG"));
  EXPECT_EQ(content("b/2.PNG"), "two");
  EXPECT_EQ(content("a/1.jpg"), std::string(513, '1'));
  EXPECT_EQ(content("a/notes.txt"), "no image");  // a list may name it
}

TEST_F(TarArchiveTest, AnArchiveInsideIsAFolderOfItsName) {
  const std::string inner = tar_member("n01_2.JPEG", "two") + tar_member("n01_1.JPEG", "one") + tar_end();
  EXPECT_THAT(paths(tar_member("n01.tar", inner) + tar_member("n02.TAR", inner) + tar_end()),
              ElementsAre("n01/n01_1.JPEG", "n01/n01_2.JPEG", "n02/n01_1.JPEG", "n02/n01_2.JPEG"));
  EXPECT_EQ(content("n02/n01_1.JPEG"), "one");
  std::string deep = inner;
  for (int i = 0; i < 6; ++i) deep = tar_member("x.tar", deep) + tar_end();
  EXPECT_THAT(refusal(deep), HasSubstr("too deep"));
  EXPECT_THAT(refusal(tar_member("n01.tar", inner.substr(0, 700)) + tar_end()), HasSubstr("cut short"));
}

TEST_F(TarArchiveTest, TheLastOfTwoMembersOfOneNameCountsAndHardLinksAreFollowed) {
  write(tar_member("a.png", "old") + tar_member("a.png", "new") + tar_member("b.png", "", '1', "a.png") +
        tar_member("c.png", "", '1', "none.png") + tar_member("d.png", "", '2', "a.png") +
        tar_member("e.png", "", 'S') + tar_end());
  EXPECT_EQ(content("a.png"), "new");
  EXPECT_EQ(content("b.png"), "new");
  EXPECT_THAT(content("c.png"), HasSubstr("link to none.png"));
  EXPECT_THAT(content("d.png"), HasSubstr("symbolic link to a.png"));
  EXPECT_THAT(content("e.png"), HasSubstr("sparse"));
}

TEST_F(TarArchiveTest, LongNamesAndPaxHeadersSpeakOfTheNextMemberOnly) {
  const std::string name = std::string(300, 'n') + ".png";
  const std::string record = " path=" + name + "\n";
  const std::string pax = std::to_string(record.size() + 3) + record;
  EXPECT_THAT(paths(tar_member("././@LongLink", name + '\0', 'L') + tar_member("short.png", "1") +
                    tar_member("a.png", "2") + tar_end()),
              ElementsAre("a.png", name));
  EXPECT_THAT(paths(tar_member("h", pax, 'x') + tar_member("short.png", "1") + tar_member("a.png", "2") + tar_end()),
              ElementsAre("a.png", name));
  for (const std::string wrong : {"7 path=", "99 path=x\n", "x path=x\n", "10 path:x\n", "12 size=12x\n", "0 =\n"}) {
    EXPECT_THAT(refusal(tar_member("h", wrong, 'x') + tar_member("a.png", "2") + tar_end()), HasSubstr("pax header"))
        << wrong;
  }
}

TEST_F(TarArchiveTest, WhatIsNoWholeArchiveIsRefusedWithTheReason) {
  const std::string member = tar_member("a.png", "one");
  EXPECT_THAT(refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(refusal(member), AllOf(HasSubstr("at byte 1024"), HasSubstr("end an archive")));
  EXPECT_THAT(refusal(member + tar_end() + member), HasSubstr("follows the end"));
  EXPECT_THAT(refusal(tar_end()), HasSubstr("holds no images"));
  EXPECT_THAT(refusal("\x1F\x8B" + std::string(600, 'z')),
              AllOf(HasSubstr("gzip"), HasSubstr("tar -xf " + path_ + " -C x")));
  EXPECT_THAT(refusal(std::string(2048, 'z')), HasSubstr("no header"));
  std::string damaged = member + tar_end();
  damaged[3] = 'x';
  EXPECT_THAT(refusal(damaged), HasSubstr("no header"));
}

TEST_F(TarArchiveTest, ClaimsBeyondTheFileAreRefused) {
  const auto claims = [&](const std::string& size, char type = '0') {
    return refusal(with_checksum(tar_member("a.png", "one", type).replace(124, 12, size)) + tar_end());
  };
  EXPECT_THAT(claims(std::string("77777777777\0", 12)),
              AllOf(HasSubstr("a.png"), HasSubstr("8589934591"), HasSubstr("cut short")));
  EXPECT_THAT(claims(std::string("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12)), HasSubstr("cut short"));
  EXPECT_THAT(claims(std::string(12, '\xff')), HasSubstr("no number"));
  EXPECT_THAT(claims(std::string("9          \0", 12)), HasSubstr("no number"));
  EXPECT_THAT(refusal(tar_member("x", std::string(2 << 20, 'n'), 'L') + tar_end()), HasSubstr("2097152 bytes"));
}

TEST_F(TarArchiveTest, CutShortAnywhereIsRefused) {
  const std::string whole = example_tar();
  const std::string without_padding = whole.substr(0, whole.find_last_not_of('\0') / 512 * 512 + 512);
  for (size_t length = 0; length < without_padding.size() + 512; length += 31) {
    EXPECT_NE(refusal(whole.substr(0, length)), "accepted") << length;
  }
  EXPECT_EQ(refusal(whole), "accepted");
}

TEST_F(TarArchiveTest, AFlippedByteIsRefusedOrChangesNoOtherMember) {
  const std::string whole = example_tar();
  for (size_t at = 0; at < whole.size(); at += 7) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x21);
    if (refusal(damaged) != "accepted") continue;
    const data::TarArchive archive(path_);
    for (const data::ArchiveMember& image : archive.members()) {
      if (image.failure.empty()) archive.read(image, image.size);
    }
  }
}

TEST_F(TarArchiveTest, MembersAreAnImageSourceWithLabelsFromTheFirstFolder) {
  const std::string png = bytes_of(golden_image("grey.png"));
  write(tar_member("dog/1.png", png) + tar_member("cat/2.png", png.substr(0, 60)) + tar_end());
  data::OpenedImages opened = data::open_images({path_}, {}, {});
  EXPECT_THAT(opened.source->classes(), ElementsAre("cat", "dog"));
  EXPECT_EQ(opened.source->path(1), "dog/1.png");
  EXPECT_EQ(opened.source->label(1), 1);
  const std::vector<data::DecodedImage> images = opened.source->load(0, 2);
  EXPECT_FALSE(images[0].ok());
  EXPECT_TRUE(images[1].ok());
  EXPECT_THAT(opened.source->description(), HasSubstr("tar"));

  std::ofstream(folder_ / "list") << "dog/1.png\ndog/9.png\n";
  data::InputOptions input;
  input.list = folder_ / "list";
  opened = data::open_images({path_}, input, {});
  EXPECT_EQ(opened.source->count(), 2);
  EXPECT_EQ(opened.source->load(1, 1)[0].failure, "is not in the archive");
}

}  // namespace
}  // namespace dcgan::test
