#include "data/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "dcgan/errors.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The list of a folder that was named "photos".
data::ImageList labelled(std::vector<std::string> paths, const std::string& label_by = "first") {
  data::InputOptions options;
  options.label_by = label_by;
  return data::labelled_list(std::move(paths), "photos", options);
}

std::vector<std::string> names(const data::ImageList& list) {
  std::vector<std::string> names;
  for (const int32_t label : list.labels) {
    names.push_back(label < 0 ? "-" : list.classes[static_cast<size_t>(label)]);
  }
  return names;
}

TEST(Labels, AreTheFirstFoldersOrTheParents) {
  const std::vector<std::string> paths = {"a/x/1.png", "a/y/2.png", "./b/../b//3.png", "4.png"};
  EXPECT_THAT(names(labelled(paths)), ElementsAre("a", "a", "b", "-"));
  EXPECT_THAT(names(labelled(paths, "parent")), ElementsAre("x", "y", "b", "photos"));
  EXPECT_THAT(labelled(paths, "none").classes, IsEmpty());
}

TEST(Labels, PassFoldersThatAloneHoldEverything) {
  data::ImageList list = labelled({"all/set/cat/1.png", "all/set/dog/2.png"});
  EXPECT_THAT(names(list), ElementsAre("cat", "dog"));
  EXPECT_THAT(list.notes, ElementsAre("photos: everything lies in all/set/; the classes are the folders in it."));
  list = labelled({"cat/deep/1.png", "cat/deep/2.png"});  // one class, then
  EXPECT_THAT(names(list), ElementsAre("cat", "cat"));
  EXPECT_THAT(list.notes, IsEmpty());
  list = labelled({"all/1.png", "all/cat/2.png", "all/dog/3.png"});  // one beside the folders has no label, then
  EXPECT_THAT(names(list), ElementsAre("-", "cat", "dog"));
}

TEST(Labels, NameTheCommandsThatAreMeantWhereClassesLookLikePartsOfASet) {
  const data::ImageList list = labelled({"test/cat/1.png", "train/cat/2.png", "train/dog/3.png"});
  EXPECT_THAT(list.classes, ElementsAre("test", "train"));
  EXPECT_THAT(list.notes, ElementsAre(AllOf(HasSubstr("the classes are test and train"),
                                            HasSubstr("one with photos/test, and one with photos/train"))));
  EXPECT_THAT(labelled({"test/1.png", "toast/2.png"}).notes, IsEmpty());
  EXPECT_THAT(labelled({"test/cat/1.png", "train/cat/2.png"}, "parent").notes, IsEmpty());
}

TEST(Labels, ComposedAndDecomposedNamesAreOneClassSpeltAsTheFirstInByteOrder) {
  const std::string composed = "caf\xC3\xA9";     // U+00E9
  const std::string decomposed = "cafe\xCC\x81";  // e and U+0301
  const std::string latin1 = "caf\xE9";
  const data::ImageList list = labelled({composed + "/1.png", decomposed + "/2.png", "dog/3.png", latin1 + "/4.png"});
  EXPECT_THAT(list.classes, ElementsAre(decomposed, latin1, "dog"));
  EXPECT_THAT(names(list), ElementsAre(decomposed, decomposed, "dog", latin1));
}

TEST(Labels, OfATableAreMatchedByTheNamesOfFilesHoweverTheyAreWritten) {
  const TemporaryFolder folder;
  const std::string table = folder / "labels.csv";
  std::ofstream(table) << "\xEF\xBB\xBF"
                          "file,house,label\r\n./a/1.png,7,cat\r\n\"b,c/2.png\",7,\"a \"\"dog\"\"\"\r\n"
                          "gone.png,8,cat\r\n";
  const data::ImageList list = labelled({"a/1.png", "b,c/2.png", "other.png"}, table);
  EXPECT_THAT(names(list), ElementsAre("cat", "a \"dog\"", "-"));
  EXPECT_THAT(list.classes, ElementsAre("a \"dog\"", "cat"));
  EXPECT_THAT(list.notes,
              ElementsAre(table + ": 1 of 3 lines name no image that was found, such as gone.png.",
                          "photos: 1 of 3 images have no line in " + table + "; they are rows without a label."));
}

TEST(Labels, RefuseATableThatIsNone) {
  const TemporaryFolder folder;
  const std::string table = folder / "labels.csv";
  const auto refusal = [&](const std::string& content) {
    std::ofstream(table) << content;
    try {
      labelled({"a/1.png"}, table);
    } catch (const FileError& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(refusal("name,label\n"), HasSubstr("has no column \"file\""));
  EXPECT_THAT(refusal("file,label\na/1.png,cat,x\n"), HasSubstr("line 2 has 3 fields, the header has 2"));
  EXPECT_THAT(refusal("file,label\na/1.png,\"cat\n"), HasSubstr("quotation mark"));
  EXPECT_THAT(refusal("file,label\na/1.png,cat\n./a/1.png,dog\n"), HasSubstr("the labels cat and dog"));
  EXPECT_THAT(refusal(std::string("\xFF\xFE"
                                  "f\0i\0l\0e\0",
                                  10)),
              HasSubstr("iconv"));
  EXPECT_THROW(labelled({"a/1.png"}, folder / "missing.csv"), FileError);
}

TEST(Labels, SayHowClassesCouldBeHadWhereNoFolderBelowWhatWasNamedTellsThem) {
  data::ImageList list;
  list.paths = {"/data/cat/1.png", "/data/dog/2.png"};
  list.parts = {{0, "", 0}};
  data::label_images("first", list);
  EXPECT_THAT(list.labels, IsEmpty());
  EXPECT_THAT(list.notes,
              ElementsAre(HasSubstr("--label-by parent makes the 2 folders that they lie in, such as dog")));
  data::label_images("parent", list);
  EXPECT_THAT(names(list), ElementsAre("cat", "dog"));
}

TEST(Labels, AreNotTakenFromAFolderThatFailed) {
  data::ImageList list;
  list.paths = {"cat/1.png", "dog/2.png", "locked/3"};
  list.parts = {{0, "photos", 0}};
  list.failed = {{"locked/3", "is a folder that cannot be listed"}};
  data::label_images("first", list);
  EXPECT_THAT(list.classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(list.labels, ElementsAre(0, 1, -1));
  EXPECT_THAT(list.notes, IsEmpty());
}

TEST(Labels, SayWhichImagesHaveNone) {
  const data::ImageList list = labelled({"1.png", "cat/2.png", "dog/3.png"});
  EXPECT_THAT(names(list), ElementsAre("-", "cat", "dog"));
  EXPECT_THAT(list.notes, ElementsAre("photos: 1 of 3 images lie in no class folder; they are rows without a label."));
}

}  // namespace
}  // namespace dcgan::test
