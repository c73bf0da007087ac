#include "eval/confusion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace dcgan::eval {
namespace {

TEST(Confusion, CountsWhichClassesRowsWereTakenFor) {
  Confusion confusion(3);
  confusion.add({0, 0, 1, 1}, {0, 1, 1, 1});
  confusion.add({1}, {1});  // another machine's
  EXPECT_EQ(confusion.count(0, 0), 1);
  EXPECT_EQ(confusion.count(0, 1), 0);
  EXPECT_EQ(confusion.count(1, 0), 1);
  EXPECT_EQ(confusion.count(1, 1), 3);
  EXPECT_EQ(confusion.rows_of(1), 4);
  EXPECT_EQ(confusion.taken_for(0), 2);
  EXPECT_DOUBLE_EQ(confusion.recall(0), 1);
  EXPECT_DOUBLE_EQ(confusion.recall(1), 0.75);
  EXPECT_DOUBLE_EQ(confusion.precision(0), 0.5);
  EXPECT_DOUBLE_EQ(confusion.precision(1), 1);
  EXPECT_TRUE(std::isnan(confusion.recall(2)) && std::isnan(confusion.precision(2))) << "there are none";
}

TEST(Mistakes, ComeWithTheLargestLeadFirstAndEqualOnesInTheOrderOfTheRows) {
  const std::vector<double> scores = {1, 0, 0,    // right
                                      0, 2, 0,    // by 2
                                      0, 0, 0.5,  // by 0.5
                                      3, 0, 1};   // by 2
  const std::vector<int32_t> labels = {0, 0, 1, 2};
  EXPECT_THAT(best_classes(scores, 4), testing::ElementsAre(0, 1, 2, 0));
  const std::vector<Mistake> mistakes = worst_mistakes(scores, labels, 10);
  ASSERT_EQ(mistakes.size(), 3u);
  EXPECT_EQ(mistakes[0].row, 1);
  EXPECT_EQ(mistakes[1].row, 3);
  EXPECT_EQ(mistakes[1].label, 2);
  EXPECT_EQ(mistakes[1].taken_for, 0);
  EXPECT_DOUBLE_EQ(mistakes[1].lead, 2);
  EXPECT_EQ(mistakes[2].row, 2);
  EXPECT_EQ(worst_mistakes(scores, labels, 1).size(), 1u);
  EXPECT_THAT(worst_mistakes({}, {}, 1), testing::IsEmpty());
}

}  // namespace
}  // namespace dcgan::eval
