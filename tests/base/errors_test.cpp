#include "dcgan/errors.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace dcgan::test {
namespace {

TEST(Errors, AMessageIsMadeOfTextsCharactersAndNumbers) {
  const std::string name = "x.h5";
  EXPECT_EQ(text_of(name, ": ", 'a', std::string_view("b"), -1, int64_t{1} << 40, UINT64_MAX, 0.5f, true),
            "x.h5: ab-11099511627776184467440737095516150.5000001");
  EXPECT_STREQ(Error("has ", 3, " rows").what(), "has 3 rows");
  EXPECT_STREQ(Error("whole").what(), "whole");
  EXPECT_STREQ(OptionError("--size is ", 0, "; it must be positive.").what(), "--size is 0; it must be positive.");
}

TEST(Errors, AFileErrorBeginsWithTheFile) {
  EXPECT_STREQ(FileError("x.h5", "is damaged.").what(), "x.h5: is damaged.");
  EXPECT_STREQ(FileError("x.h5", "has ", 3, " rows.").what(), "x.h5: has 3 rows.");
  try {
    throw FileError("x.h5", "has ", 3, " rows.");
  } catch (const Error& error) {
    const Error copy = error;  // NOLINT(performance-unnecessary-copy-initialization): the copy is what is tested
    EXPECT_STREQ(copy.what(), "x.h5: has 3 rows.");
  }
}

TEST(Errors, ACodeTellsTheKindAlsoOfACopy) {
  EXPECT_EQ(Error("has ", 3, " rows").code(), ErrorCode::kFailed);
  EXPECT_EQ(OptionError("--size is ", 0).code(), ErrorCode::kWrongArgument);
  EXPECT_EQ(FileError("x.h5", "is damaged.").code(), ErrorCode::kBadFile);
  const auto image_error = [] { return Error(ErrorCode::kBadImage, "has ", 3, " bytes"); };
  EXPECT_EQ(image_error().code(), ErrorCode::kBadImage);
  EXPECT_STREQ(image_error().what(), "has 3 bytes");
  EXPECT_STREQ(Error(ErrorCode::kStopped, "stopped").what(), "stopped");
}

}  // namespace
}  // namespace dcgan::test
