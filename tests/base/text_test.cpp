#include "dcgan/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dcgan/errors.h"

namespace dcgan::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Examples of Unicode Standard Annex 15, figures 3 to 5.
TEST(Text, ComposesNamesAsUnicodeSays) {
  EXPECT_EQ(composed("A\xCC\x8A"), "\xC3\x85");              // A and a ring: U+00C5
  EXPECT_EQ(composed("\xE2\x84\xAB"), "\xC3\x85");           // the sign of the angstrom, too
  EXPECT_EQ(composed("s\xCC\xA3\xCC\x87"), "\xE1\xB9\xA9");  // s with dots below and above: U+1E69
  EXPECT_EQ(composed("s\xCC\x87\xCC\xA3"), "\xE1\xB9\xA9");  // in whatever order
  EXPECT_EQ(composed("\xEF\xAC\x81"), "\xEF\xAC\x81");       // the ligature fi stays
  EXPECT_EQ(composed("cat"), "cat");
  EXPECT_EQ(composed(""), "");
}

TEST(Text, BytesThatAreNoUtf8StayAsTheyAreInNamesAndAreReplacedInJson) {
  const std::string latin1 = "caf\xE9";
  EXPECT_EQ(composed(latin1), latin1);
  EXPECT_EQ(json_text(nlohmann::json{{"name", latin1}}), "{\"name\":\"caf\xEF\xBF\xBD\"}");
  EXPECT_EQ(json_text(nlohmann::json{{"name", "caf\xC3\xA9"}}), "{\"name\":\"caf\xC3\xA9\"}");
}

TEST(Text, AByteOrderMarkIsNoText) {
  EXPECT_EQ(without_byte_order_mark("\xEF\xBB\xBF"
                                    "a",
                                    "x.txt"),
            "a");
  EXPECT_EQ(without_byte_order_mark("a\xEF\xBB\xBF", "x.txt"), "a\xEF\xBB\xBF");
  for (const std::string& wide : {std::string("\xFF\xFE"
                                              "a\0",
                                              4),
                                  std::string("\xFE\xFF\0a", 4), std::string("a\0", 2)}) {
    EXPECT_THAT([&] { without_byte_order_mark(wide, "x.txt"); },
                ThrowsMessage<FileError>(AllOf(HasSubstr("x.txt: is in UTF-16"), HasSubstr("iconv"))));
  }
}

}  // namespace
}  // namespace dcgan::test
