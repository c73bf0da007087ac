#include "eval/labels.h"

#include <gmock/gmock.h>

#include "dcgan/errors.h"

namespace dcgan::eval {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(MatchClasses, GoesByNameNotByIndex) {
  const NamedLabels test{{"cat", "dog"}, {0, 1, 1}};
  EXPECT_THAT(match_classes(test, {"dog", "horse", "cat"}), ElementsAre(2, 0, 0));
}

TEST(MatchClasses, TakesComposedAndDecomposedAccentsForOneName) {
  const NamedLabels test{{"cafe\xCC\x81", "dog"}, {0, 1}};
  EXPECT_THAT(match_classes(test, {"caf\xC3\xA9", "dog"}), ElementsAre(0, 1));
}

TEST(MatchClasses, IgnoresAnUnknownNameThatNoRowHas) {
  EXPECT_THAT(match_classes({{"cat", "unicorn"}, {0}}, {"cat", "dog"}), ElementsAre(0));
}

TEST(MatchClasses, NamesAClassThatTheTrainingSetLacksAndThoseItHas) {
  try {
    match_classes({{"unicorn"}, {0}}, {"cat", "dog"});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("\"unicorn\""), HasSubstr("cat, dog")));
  }
}

TEST(NameByNumber, GivesLabelsOfAnotherProgramTheirNumbersAsNames) {
  const NamedLabels named = name_by_number({10, 1, 2, 10});
  EXPECT_THAT(named.classes, ElementsAre("1", "2", "10"));
  EXPECT_THAT(named.labels, ElementsAre(2, 0, 1, 2));
}

}  // namespace
}  // namespace dcgan::eval
