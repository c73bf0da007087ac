#include "data/image_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "data/open_images.h"
#include "dcgan/errors.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void touch(const std::string& path) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << "x";
}

template <class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(ImageFolder, ListsImagesInByteOrderWithTheirClasses) {
  const TemporaryFolder folder;
  for (const char* name :
       {"dog/2.jpg", "dog/10.JPG", "Zebra/a.png", "cat/deep/er/x.TIFF", "cat/labels.csv", "dog/1.webp"}) {
    touch(folder / name);
  }
  const data::ImageList list = data::list_images({folder.path() + "/"});
  EXPECT_THAT(list.paths, ElementsAre("Zebra/a.png", "cat/deep/er/x.TIFF", "dog/1.webp", "dog/10.JPG", "dog/2.jpg"));
  EXPECT_THAT(list.classes, ElementsAre("Zebra", "cat", "dog"));
  EXPECT_THAT(list.labels, ElementsAre(0, 1, 2, 2, 2));
  EXPECT_EQ(list.file(2), folder / "dog/1.webp");
}

TEST(ImageFolder, ImagesInNoClassFolderAreRowsWithoutALabel) {
  const TemporaryFolder folder;
  touch(folder / "a.png");
  const data::ImageList flat = data::list_images({folder.path()});
  EXPECT_THAT(flat.classes, IsEmpty());
  EXPECT_THAT(flat.labels, IsEmpty());
  EXPECT_THAT(flat.notes, IsEmpty());
  touch(folder / "cat/b.png");
  touch(folder / "dog/c.png");
  const data::ImageList list = data::list_images({folder.path()});
  EXPECT_THAT(list.labels, ElementsAre(-1, 0, 1));
  EXPECT_THAT(list.classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(list.notes,
              ElementsAre(folder.path() + ": 1 of 3 images lie in no class folder; they are rows without a label."));
}

TEST(ImageFolder, SeveralInputsKeepTheirNamesInThePaths) {
  const TemporaryFolder folder;
  touch(folder / "one/cat/a.png");
  touch(folder / "two/dog/a.png");
  const data::ImageList list = data::list_images({folder / "one", folder / "two/"});
  EXPECT_THAT(list.paths, ElementsAre(folder / "one/cat/a.png", folder / "two/dog/a.png"));
  EXPECT_THAT(list.labels, ElementsAre(0, 1));
}

TEST(ImageFolder, NamesTheExtensionsItLookedForInAnEmptyFolder) {
  const TemporaryFolder folder;
  touch(folder / "readme.txt");
  EXPECT_EQ(message_of([&] { data::list_images({folder.path()}); }),
            folder.path() +
                ": holds no images; looked, in all its folders, for files that end in .jpg, .jpeg, .jpe, .jfif, "
                ".png, .apng, .webp, .bmp, .tif, .tiff, .gif, .pbm, .pgm, .ppm, .pnm (in any case).");
  EXPECT_EQ(message_of([&] { data::list_images({folder / "missing"}); }),
            folder / "missing" + ": does not exist; expected an image file or a folder of images.");
}

TEST(ImageFolder, PassesOverWhatSystemsLeaveAndCountsItByKind) {
  const TemporaryFolder folder;
  const std::vector<std::string> left = {
      "__MACOSX/cat/._a.png", "cat/._a.png",      "cat/._b.png",        ".ipynb_checkpoints/a.png",
      "cat/@eaDir/a.png",     "lost+found/a.png", "$RECYCLE.BIN/a.png", ".Trash-1000/files/a.png",
      "cat/.b.png",           "#recycle/a.heic",  "LOST.DIR/a.png",     "cat/@SynoEAStream/a.png",
      "FOUND.000/a.png"};
  for (const std::string& name : left) touch(folder / name);
  for (const char* name : {"cat/a.png", "dog/b.png", ".git/config", "cat/.DS_Store", "cat/Thumbs.db"}) {
    touch(folder / name);
  }
  data::ImageList list = data::list_images({folder.path()});
  EXPECT_THAT(list.paths, ElementsAre("cat/a.png", "dog/b.png"));
  EXPECT_THAT(list.classes, ElementsAre("cat", "dog"));
  EXPECT_EQ(list.passed_over.text(),
            "13 files passed over: 2 ._*, 1 #recycle, 1 $RECYCLE.BIN, 1 .Trash-1000, 1 .ipynb_checkpoints, 1 "
            "@SynoEAStream, 1 @eaDir, 1 FOUND.000, 1 LOST.DIR, 1 __MACOSX, 1 hidden, 1 lost+found");
  data::InputOptions options;
  options.hidden = true;
  list = data::list_images({folder.path()}, options);
  EXPECT_EQ(list.count(), 14);  // all that are called .png
  EXPECT_EQ(list.passed_over.text(), "1 file passed over: 1 .heic");
}

TEST(ImageFolder, TakesAFolderThatIsNamedWhateverItIsCalled) {
  const TemporaryFolder folder;
  touch(folder / ".hidden/@eaDir/a.png");
  EXPECT_THAT(data::list_images({folder / ".hidden/@eaDir"}).paths, ElementsAre("a.png"));
  std::istringstream lines(".hidden/@eaDir/a.png\n");
  EXPECT_THAT(data::read_image_list(lines, {"list.txt", folder.path()}).paths, ElementsAre(".hidden/@eaDir/a.png"));
}

TEST(ImageFolder, CountsImagesThatAreNotReadByNameAndWhereThatSaysNothingByContent) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "b.HEIC", "c.heic", "d.avif", "e.jxl", "f.cr2", "g.txt", "h.xyz", "notes"}) {
    touch(folder / name);
  }
  const std::string jpeg = "\xFF\xD8\xFF\xE0";
  for (const char* name : {"photo", "photo.old", "labels.csv"}) std::ofstream(folder / name) << jpeg;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);  // must not be waited for
  const data::ImageList list = data::list_images({folder.path()});
  EXPECT_THAT(list.paths, ElementsAre("a.png"));
  EXPECT_EQ(list.passed_over.text(),
            "7 files passed over: 2 .heic, 1 .avif, 1 .cr2, 1 .jxl, 1 JPEG named .old, 1 JPEG without extension");
}

TEST(ImageFolder, AFolderThatCannotBeListedIsAnInputThatFailed) {
  const TemporaryFolder folder;
  touch(folder / "set/cat/a.png");
  touch(folder / "set/dog/b.png");
  // A path of more than PATH_MAX bytes fails for every user, root included.
  const std::string name(250, 'x');
  const fs::path here = fs::current_path();
  fs::current_path(folder / "set/cat");
  for (int i = 0; i < 18; ++i) {
    fs::create_directory(name);
    fs::current_path(name);
  }
  fs::current_path(here);
  const data::ImageList list = data::list_images({folder / "set"});
  ASSERT_EQ(list.count(), 3);
  EXPECT_EQ(list.paths.front(), "cat/a.png");
  EXPECT_EQ(list.paths.back(), "dog/b.png");
  EXPECT_EQ(list.failed.at(list.paths[1]), "is a folder that cannot be listed: File name too long");
  EXPECT_THAT(list.classes, ElementsAre("cat", "dog"));
  const data::FolderImages images(list, {});
  EXPECT_EQ(images.load(1, 1).front().failure, list.failed.at(list.paths[1]));
  fs::current_path(folder / "set/cat");  // remove_all() cannot name what lies that deep
  for (int i = 0; i < 9; ++i) fs::current_path(name);
  fs::remove_all(name);
  fs::current_path(here);
}

TEST(ImageFolder, CountsALinkToNothingThatMayHaveBeenAFolder) {
  const TemporaryFolder folder;
  touch(folder / "cat/a.png");
  fs::create_directory_symlink(folder / "nowhere", folder / "dog");
  EXPECT_EQ(data::list_images({folder.path()}).passed_over.text(), "1 file passed over: 1 broken links");
}

TEST(ImageFolder, FollowsSymbolicLinksAndEndsWhereTheyLoop) {
  const TemporaryFolder folder;
  touch(folder / "real/a.png");
  fs::create_directories(folder / "set/cat");
  fs::create_directory_symlink(folder / "real", folder / "set/dog");
  fs::create_directory_symlink(folder / "set", folder / "set/cat/loop");
  touch(folder / "set/cat/b.png");
  EXPECT_THAT(data::list_images({folder / "set"}).paths, ElementsAre("cat/b.png", "dog/a.png"));
}

TEST(ImageList, KeepsItsOrderAndTakesLabelsFromTheNamedFolder) {
  const TemporaryFolder folder;
  std::istringstream lines("dog/2.jpg\r\n\n./cat/1.jpg\ndog/2.jpg\n");
  const data::ImageList list = data::read_image_list(lines, {"list.txt", folder.path()});
  EXPECT_THAT(list.paths, ElementsAre("dog/2.jpg", "./cat/1.jpg", "dog/2.jpg"));
  EXPECT_THAT(list.classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(list.labels, ElementsAre(1, 0, 1));
  EXPECT_EQ(list.file(1), folder / "./cat/1.jpg");
}

TEST(ImageList, WithoutAFolderIsRelativeToTheCurrentOneAndUnlabelled) {
  std::istringstream lines("dog/2.jpg\n/abs/x.png\n");
  const data::ImageList list = data::read_image_list(lines, {"list.txt", ""});
  EXPECT_THAT(list.labels, IsEmpty());
  EXPECT_EQ(list.file(0), "dog/2.jpg");
  EXPECT_EQ(list.file(1), "/abs/x.png");
  std::istringstream empty("\n");
  EXPECT_EQ(message_of([&] {
              data::read_image_list(empty, {"list.txt", ""});
            }),
            "list.txt: names no images; expected one path a line.");
}

TEST(OpenImages, RefusesCombinationsThatMakeNoSense) {
  data::InputOptions options;
  options.list = "list.txt";
  EXPECT_EQ(message_of([&] {
              data::open_images({"a", "b"}, options, {});
            }),
            "--list goes with one folder, to which its paths are relative; 2 inputs were named.");
  options.list = "/nowhere/list.txt";
  EXPECT_THAT(message_of([&] { data::open_images({}, options, {}); }),
              HasSubstr("/nowhere/list.txt: cannot be opened"));
  EXPECT_THAT(message_of([&] { data::open_images({}, {}, {}); }), HasSubstr("no images were named"));
}

TEST(OpenImages, DropsLabelsWhenAsked) {
  const TemporaryFolder folder;
  touch(folder / "cat/a.png");
  data::InputOptions options;
  EXPECT_THAT(data::open_images({folder.path()}, options, {}).source->classes(), ElementsAre("cat"));
  options.unlabelled = true;
  EXPECT_THAT(data::open_images({folder.path()}, options, {}).source->classes(), IsEmpty());
}

}  // namespace
}  // namespace dcgan::test
