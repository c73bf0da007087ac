// Which rows a protocol trains on and predicts, seen from below: by the rows that it reads.
#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "eval/protocols/protocol.h"
#include "svm_data.h"

namespace dcgan::eval {
namespace {

using testing::Each;
using testing::IsEmpty;
using testing::Not;

using Rows = std::set<int64_t>;

// A source that notes which of its rows are read.
class RecordedRows : public RowSource {
 public:
  explicit RecordedRows(const FeatureMatrix& matrix) : matrix_(matrix) {}
  int64_t rows() const override { return matrix_.rows(); }
  int64_t columns() const override { return matrix_.columns(); }
  void read(int64_t first, int64_t count, float* out, int64_t pitch) const override {
    for (int64_t row = first; row < first + count; ++row) read_.insert(row);
    matrix_.read(first, count, out, pitch);
  }
  Rows take() const { return std::exchange(read_, {}); }

 private:
  const FeatureMatrix& matrix_;
  mutable Rows read_;
};

Rows common(const Rows& a, const Rows& b) {
  Rows both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

Rows without(const Rows& a, const Rows& b) {
  Rows rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(rest, rest.end()));
  return rest;
}

// 600 rows of 20 features in three classes, and 90 to test on.
class RowsOfAProtocol : public testing::Test {
 protected:
  static LabelledFeatures labelled(const RowSource& features, const SvmData& data) {
    LabelledFeatures set{features, data.set.labels, {}, {}, {"a", "b", "c"}};
    for (size_t i = 0; i < data.set.rows.size(); ++i) set.names.push_back("image" + std::to_string(i));
    return set;
  }

  RowsOfAProtocol() {
    resources_.grid = {1e-3, 1e-2, 1e-1};
    resources_.solver.threads = 1;
    resources_.solver.on_pass = [this](int64_t passes, double) { passes_ = passes; };
    resources_.solver.log = [this](const std::string& line) {
      if (line.find("draw ") != std::string::npos) {
        (line.rfind("selection", 0) == 0 ? selection_ : final_).push_back({features_.take(), passes_});
      }
      if (line.rfind("C = ", 0) == 0) choice_.push_back({features_.take(), passes_});
    };
  }

  ProtocolResult few_labels(const DrawOptions& draws) {
    return eval::few_labels(training_, labelled(*test_data_.matrix, test_data_), draws, resources_);
  }

  ProtocolResult all_labels() {
    return eval::all_labels(training_, labelled(*test_data_.matrix, test_data_), {}, resources_);
  }

  Rows validation_rows(const DrawOptions& draws) const {
    const DrawnRows apart = draw_rows(training_, draws, resources_.solver.seed);
    return {apart.rows.validation.begin(), apart.rows.validation.end()};
  }

  std::string hash(const Rows& rows) const { return split_hash(training_, {rows.begin(), rows.end()}); }

  // Of each class, how many of the rows.
  std::vector<int64_t> class_counts(const Rows& rows) const {
    std::vector<int64_t> counts(3);
    for (const int64_t row : rows) ++counts[static_cast<size_t>(training_.labels[static_cast<size_t>(row)])];
    return counts;
  }

  Rows houses(const Rows& rows) const {
    Rows result;
    for (const int64_t row : rows) result.insert(training_.groups[static_cast<size_t>(row)]);
    return result;
  }

  int64_t passes_to(double tolerance, const Rows& rows, double c = 0.01) const {
    TrainingSet set{features_, {rows.begin(), rows.end()}, {}, 3};
    for (const int64_t row : rows) set.labels.push_back(training_.labels[static_cast<size_t>(row)]);
    SvmOptions options = resources_.svm;
    options.tolerance = tolerance;
    return make_solver(set, options, {})->fit(c).passes;
  }

  // What was read and how many passes the last fit took, between two lines of the log.
  struct Step {
    Rows rows;
    int64_t passes;
  };

  SvmData data_ = clouds(600, 20, 3, 0.6), test_data_ = clouds(90, 20, 3, 0.6, 0.5, 2);
  RecordedRows features_{*data_.matrix};
  LabelledFeatures training_ = labelled(features_, data_);
  ProtocolResources resources_;
  std::vector<Step> selection_, final_, choice_;
  int64_t passes_ = 0;
};

TEST_F(RowsOfAProtocol, FewLabelsChoosesCOnTheRowsSetApartAndOnNoOthers) {
  const DrawOptions draws{10, 4, 2, 100, 0};
  const ProtocolResult result = few_labels(draws);
  const Rows validation = validation_rows(draws);
  EXPECT_EQ(hash(validation), result.validation_hash);
  ASSERT_EQ(selection_.size(), 4u);
  for (const Step& step : selection_) {
    EXPECT_EQ(common(step.rows, validation), validation) << "all of them are predicted";
    EXPECT_THAT(class_counts(without(step.rows, validation)), Each(10)) << "the rest is the draw";
  }
}

TEST_F(RowsOfAProtocol, FewLabelsTakesEachDrawAnewFromThePool) {
  const DrawOptions draws{10, 4, 6, 100, 0};
  const ProtocolResult result = few_labels(draws);
  const Rows validation = validation_rows(draws);
  ASSERT_EQ(final_.size(), 6u);
  std::set<Rows> different;
  std::vector<int64_t> all_final;
  for (const Step& step : selection_) different.insert(without(step.rows, validation));
  for (const Step& step : final_) {
    EXPECT_THAT(class_counts(step.rows), Each(10));
    EXPECT_THAT(common(step.rows, validation), IsEmpty());
    different.insert(step.rows);
    all_final.insert(all_final.end(), step.rows.begin(), step.rows.end());
  }
  EXPECT_EQ(different.size(), 10u) << "no draw comes twice, neither among those that choose C nor among those tested";
  EXPECT_EQ(split_hash(training_, all_final), result.training_hash);
}

TEST_F(RowsOfAProtocol, FewLabelsHasNoHouseOnBothSidesWhereRandomRowsWouldHave) {
  const DrawOptions draws{30, 2, 3, 100, 0};
  for (int64_t i = 0; i < 600; ++i) training_.groups.push_back(i / 7);
  few_labels(draws);
  const DrawnRows apart = draw_rows(training_, draws, resources_.solver.seed);
  const Rows validation(apart.rows.validation.begin(), apart.rows.validation.end());
  for (const Step& step : selection_) {
    EXPECT_EQ(common(step.rows, validation), validation);
    EXPECT_THAT(common(houses(without(step.rows, validation)), houses(validation)), IsEmpty());
  }
  for (const Step& step : final_) EXPECT_THAT(common(houses(step.rows), houses(validation)), IsEmpty());
  EXPECT_THAT(common(houses({apart.rows.training.begin(), apart.rows.training.end()}), houses(validation)), IsEmpty());

  LabelledFeatures ungrouped = training_;
  ungrouped.groups.clear();
  const DrawnRows random = draw_rows(ungrouped, draws, resources_.solver.seed);
  EXPECT_THAT(common(houses({random.rows.training.begin(), random.rows.training.end()}),
                     houses({random.rows.validation.begin(), random.rows.validation.end()})),
              Not(IsEmpty()))
      << "the case is too easy";
}

TEST_F(RowsOfAProtocol, FewLabelsFitsLooselyToChooseCAndToTheAskedToleranceForTheResult) {
  resources_.grid = {0.01};
  resources_.svm.tolerance = 1e-6;
  const DrawOptions draws{60, 1, 2, 100, 0};
  few_labels(draws);
  const Rows drawn = without(selection_[0].rows, validation_rows(draws));
  ASSERT_LT(passes_to(1e-2, drawn), passes_to(1e-5, drawn)) << "the case is too easy";
  ASSERT_LT(passes_to(1e-5, drawn), passes_to(1e-6, drawn)) << "the case is too easy";
  EXPECT_EQ(selection_[0].passes, passes_to(1e-5, drawn));
  for (const Step& step : final_) EXPECT_EQ(step.passes, passes_to(1e-6, step.rows));
}

TEST_F(RowsOfAProtocol, AllLabelsChoosesCOnHeldOutRowsAndFitsAllToTheAskedTolerance) {
  resources_.grid = {0.01, 0.02};
  resources_.svm.tolerance = 1e-6;
  const ProtocolResult result = all_labels();
  ASSERT_EQ(choice_.size(), 2u);
  // The rows that a fit learns from stay in memory: the second value of C only reads those that it predicts.
  const Rows validation = choice_[1].rows, learned = without(choice_[0].rows, validation);
  EXPECT_EQ(hash(validation), result.validation_hash);
  EXPECT_EQ(validation.size(), 120u);
  EXPECT_EQ(learned.size(), 480u);
  const Rows all = features_.take();
  ASSERT_LT(passes_to(1e-5, learned), passes_to(1e-6, learned)) << "the case is too easy";
  EXPECT_EQ(choice_[0].passes, passes_to(1e-5, learned));
  EXPECT_EQ(all.size(), 600u);
  const int64_t passes = passes_;
  ASSERT_LT(passes_to(1e-5, all, result.c), passes_to(1e-6, all, result.c)) << "the case is too easy";
  EXPECT_EQ(passes, passes_to(1e-6, all, result.c));
}

TEST(ForValidation, IsTenTimesTheToleranceButNoMoreThanAThousandthAndNeverTighter) {
  for (const auto& [asked, expected] : {std::pair{1e-6, 1e-5}, {1e-4, 1e-3}, {5e-4, 1e-3}, {1e-3, 1e-3}, {0.1, 0.1}}) {
    SvmOptions options;
    options.tolerance = asked;
    EXPECT_DOUBLE_EQ(for_validation(options).tolerance, expected) << asked;
  }
}

}  // namespace
}  // namespace dcgan::eval
