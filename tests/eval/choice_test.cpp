#include "eval/choice.h"

#include <gmock/gmock.h>

#include <set>

#include "dcgan/errors.h"
#include "eval/splits.h"
#include "eval/test_split.h"
#include "svm_data.h"

namespace dcgan::eval {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ValidationSplits, HoldOutTheAskedShareOfEachClass) {
  std::vector<int32_t> labels;
  for (int i = 0; i < 100; ++i) labels.push_back(i < 80 ? 0 : 1);
  ValidationOptions options;
  options.held_out = 0.25;
  const std::vector<RowSplit> splits = validation_splits(labels, {}, options, 1);
  ASSERT_EQ(splits.size(), 1u);
  int64_t of_class[2] = {};
  for (const int64_t i : splits[0].validation) ++of_class[labels[static_cast<size_t>(i)]];
  EXPECT_EQ(of_class[0], 20);
  EXPECT_EQ(of_class[1], 5);
  EXPECT_EQ(splits[0].training.size() + splits[0].validation.size(), 100u);
}

TEST(ValidationSplits, FoldsCoverEachRowOnce) {
  ValidationOptions options;
  options.folds = 5;
  std::multiset<int64_t> seen;
  for (const RowSplit& split : validation_splits(std::vector<int32_t>(23, 0), {}, options, 1)) {
    seen.insert(split.validation.begin(), split.validation.end());
  }
  EXPECT_EQ(std::set<int64_t>(seen.begin(), seen.end()).size(), 23u);
  EXPECT_EQ(seen.size(), 23u);
}

TEST(ValidationSplits, KeepAGroupOnOneSide) {
  std::vector<int64_t> groups;
  for (int64_t i = 0; i < 60; ++i) groups.push_back(i / 3);
  const RowSplit split = validation_splits(std::vector<int32_t>(60, 0), groups, {}, 1).front();
  std::set<int64_t> training, validation;
  for (const int64_t i : split.training) training.insert(groups[static_cast<size_t>(i)]);
  for (const int64_t i : split.validation) validation.insert(groups[static_cast<size_t>(i)]);
  for (const int64_t group : validation) EXPECT_EQ(training.count(group), 0u) << group;
}

TEST(ValidationSplits, FollowTheSeed) {
  const std::vector<int32_t> labels(50, 0);
  EXPECT_EQ(validation_splits(labels, {}, {}, 1)[0].validation, validation_splits(labels, {}, {}, 1)[0].validation);
  EXPECT_NE(validation_splits(labels, {}, {}, 1)[0].validation, validation_splits(labels, {}, {}, 2)[0].validation);
}

TEST(ChooseC, TakesTheSmallestOfEquallyGoodValues) {
  const ChosenC c = best_of({{1e-2, 0.8, 1, {}}, {1e-3, 0.8, 1, {}}, {1e-4, 0.7, 1, {}}});
  EXPECT_EQ(c.value(), 1e-3);
  EXPECT_FALSE(c.at_edge());
  EXPECT_THAT(c.edge_warning(), IsEmpty());
}

TEST(ChooseC, WarnsAtEitherEdgeOfTheGrid) {
  EXPECT_THAT(best_of({{1e-2, 0.7, 1, {}}, {1e-3, 0.8, 1, {}}}).edge_warning(),
              AllOf(HasSubstr("0.001"), HasSubstr("smallest")));
  EXPECT_THAT(best_of({{1e-2, 0.9, 1, {}}, {1e-3, 0.8, 1, {}}}).edge_warning(),
              AllOf(HasSubstr("0.01"), HasSubstr("largest")));
}

std::vector<Trial> one_trial(const TrainingSet& set) {
  return trials_of(set, validation_splits(set.labels, {}, {}, 1));
}

TEST(ChooseC, FindsThatANoisySetWantsAStrongPenalty) {
  const SvmData data = clouds(300, 80, 3, 0.2, 0.0);
  const ChosenC c = choose_c(one_trial(data.set), {10, 1e-3}, {}, {});
  EXPECT_EQ(c.value(), 1e-3);
  EXPECT_EQ(c.grid().size(), 2u);
}

TEST(ChooseC, CountsTheFitsThatGaveUpAtEachValue) {
  const SvmData data = clouds(300, 80, 3, 0.2, 0.0);
  SvmOptions options;
  const auto choose = [&] { return choose_c(one_trial(data.set), {1e-3, 10}, options, {}); };
  EXPECT_TRUE(choose().convergence().reached());
  options.max_passes = 1;
  options.tolerance = 1e-9;
  const ChosenC c = choose();
  EXPECT_FALSE(c.grid().front().convergence.reached());
  EXPECT_THAT(c.convergence().warning(), HasSubstr("2 of 2 fits did not converge"));
}

TEST(ChooseC, RefusesANegativeValueOfTheGrid) {
  const SvmData data = clouds(30, 2, 2, 1);
  try {
    choose_c(one_trial(data.set), {1e-3, -1}, {}, {});
    FAIL() << "nothing was thrown";
  } catch (const OptionError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("--c-grid is -1"), HasSubstr("positive")));
  }
}

TEST(TestSplit, OpensOnceForMachinesOfTheChosenC) {
  const SvmData data = clouds(60, 6, 3, 3);
  const std::unique_ptr<SvmSolver> solver = make_solver(data.set, {});
  std::vector<SvmFit> right, wrong;
  right.push_back(solver->fit(1e-2));
  wrong.push_back(solver->fit(1e-1));
  TestSplit test(*data.matrix, data.set.rows, data.set.labels);
  const Tested tested = test.open(given_c(1e-2), right, 1);
  EXPECT_GT(tested.accuracies.front(), 0.9);
  int64_t rows = 0, found = 0;
  for (int64_t k = 0; k < 3; ++k) {
    rows += tested.confusion.rows_of(k);
    found += tested.confusion.count(k, k);
  }
  EXPECT_EQ(rows, 60);
  EXPECT_EQ(static_cast<double>(found) / 60, tested.accuracies.front());
  EXPECT_EQ(static_cast<int64_t>(tested.mistakes.size()), 60 - found);
  right.push_back(solver->fit(1e-2));
  TestSplit several(*data.matrix, data.set.rows, data.set.labels);
  const Tested together = several.open(given_c(1e-2), right, 1);
  EXPECT_EQ(together.confusion.rows_of(0), 2 * tested.confusion.rows_of(0)) << "of both machines";
  EXPECT_TRUE(together.mistakes.empty());
  EXPECT_THROW(test.open(given_c(1e-2), right, 1), Error);
  TestSplit other(*data.matrix, data.set.rows, data.set.labels);
  EXPECT_THROW(other.open(given_c(1e-2), wrong, 1), Error);
}

}  // namespace
}  // namespace dcgan::eval
