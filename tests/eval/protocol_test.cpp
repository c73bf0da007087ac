#include "eval/protocols/protocol.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "dcgan/errors.h"
#include "eval/protocols/tables.h"
#include "svm_data.h"

namespace dcgan::eval {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

LabelledFeatures labelled(const SvmData& data) {
  LabelledFeatures set{*data.matrix, data.set.labels, {}, {}, {}};
  for (size_t i = 0; i < data.set.rows.size(); ++i) set.names.push_back("image" + std::to_string(i));
  for (int64_t k = 0; k < data.set.classes; ++k) set.classes.push_back(std::string(1, static_cast<char>('a' + k)));
  return set;
}

ProtocolResources resources() {
  ProtocolResources r;
  r.grid = {1e-3, 1e-2, 1e-1};
  r.solver.threads = 1;
  return r;
}

TEST(Spread, HasTheTextbookValues) {
  const Spread s = spread_of({1, 2, 3, 4, 5});  // sd sqrt(2.5), t(4) 2.776
  EXPECT_EQ(s.n, 5);
  EXPECT_DOUBLE_EQ(s.mean, 3);
  EXPECT_NEAR(s.sd, 1.5811388, 1e-6);
  EXPECT_NEAR(s.authors, 1.96 * 1.5811388, 1e-6);
  EXPECT_NEAR(s.ci_high - 3, 2.776 * 1.5811388 / std::sqrt(5.0), 1e-6);
  EXPECT_EQ(spread_of({7}).ci_low, 7);
}

TEST(Spread, StudentsQuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(student_t975(4), 2.776, 1e-3);
  EXPECT_NEAR(student_t975(11), 2.201, 1e-3);
  EXPECT_NEAR(student_t975(30), 2.042, 1e-3);
  EXPECT_NEAR(student_t975(99), 1.984, 1e-3);
}

TEST(AllLabels, TestsOneMachineOnAllTestRowsAndSaysWhichRowsItUsed) {
  const SvmData training = clouds(300, 20, 3, 1), test = clouds(90, 20, 3, 1, 0.5, 2);
  const ProtocolResult result = all_labels(labelled(training), labelled(test), {}, resources());
  EXPECT_GT(result.accuracy.mean, 0.6);
  EXPECT_EQ(result.accuracy.n, 1);
  EXPECT_EQ(result.training_rows, 300);
  EXPECT_EQ(result.validation_rows, 60);
  EXPECT_EQ(result.test_rows, 90);
  EXPECT_EQ(result.grid.size(), 3u);
  EXPECT_EQ(result.training_hash.size(), 16u);
  EXPECT_NE(result.training_hash, result.validation_hash);
}

TEST(FewLabels, GivesTheSameDigitsForTheSameSeedAndOthersForAnother) {
  const SvmData training = clouds(600, 20, 3, 0.6), test = clouds(90, 20, 3, 0.6, 0.5, 2);
  const DrawOptions draws{10, 2, 5, 100, 0};
  ProtocolResources r = resources();
  const ProtocolResult a = few_labels(labelled(training), labelled(test), draws, r);
  const ProtocolResult b = few_labels(labelled(training), labelled(test), draws, r);
  r.solver.seed = 7;
  const ProtocolResult c = few_labels(labelled(training), labelled(test), draws, r);
  EXPECT_EQ(a.accuracy.mean, b.accuracy.mean);
  EXPECT_EQ(a.accuracy.sd, b.accuracy.sd);
  EXPECT_EQ(a.training_hash, b.training_hash);
  EXPECT_NE(a.training_hash, c.training_hash);
  EXPECT_EQ(a.accuracy.n, 5);
  EXPECT_EQ(a.training_rows, 30);
  EXPECT_EQ(a.pool_rows, 500);
}

TEST(FewLabels, ScalesValidationWithASmallSetAndSaysSo) {
  const SvmData training = clouds(600, 20, 3, 0.6), test = clouds(90, 20, 3, 0.6, 0.5, 2);
  const ProtocolResult result = few_labels(labelled(training), labelled(test), {10, 1, 2, 10000, 60000}, resources());
  EXPECT_EQ(result.validation_rows, 100);
  EXPECT_THAT(result.notes, Contains(AllOf(HasSubstr("600 instead of 60000"), HasSubstr("100 validation"))));
}

TEST(FewLabels, MarksThatDrawsOverlapWhereThePoolIsSmall) {
  const SvmData training = clouds(600, 20, 3, 0.6), test = clouds(90, 20, 3, 0.6, 0.5, 2);
  const auto notes_for = [&](int64_t per_class) {
    return few_labels(labelled(training), labelled(test), {per_class, 1, 2, 100, 0}, resources()).notes;
  };
  EXPECT_THAT(notes_for(100), Contains(HasSubstr("draws overlap")));
  EXPECT_THAT(notes_for(10), IsEmpty());
}

TEST(FewLabels, KeepsHousesApartFromTheValidationRows) {
  const SvmData training = clouds(600, 20, 3, 0.6), test = clouds(90, 20, 3, 0.6, 0.5, 2);
  LabelledFeatures set = labelled(training);
  for (int64_t i = 0; i < 600; ++i) set.groups.push_back(i / 7);
  const ProtocolResult result = few_labels(set, labelled(test), {10, 1, 2, 100, 0}, resources());
  EXPECT_GE(result.validation_rows, 100);
  EXPECT_LT(result.validation_rows, 107) << "whole houses of seven";
}

TEST(FewLabels, NamesTheClassThatIsTooSmall) {
  SvmData training = clouds(300, 20, 3, 0.6);
  for (int32_t& label : training.set.labels) label = label == 2 ? 1 : label;
  training.set.labels[2] = 2;
  try {
    few_labels(labelled(training), labelled(clouds(90, 20, 3, 0.6)), {50, 1, 2, 30, 0}, resources());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("class \"c\" has 0 examples to draw from"), HasSubstr("more than 10")));
  }
}

TEST(FewLabels, NamesTheLargestNumberOfLabelsThatFits) {
  const SvmData data = clouds(120, 20, 3, 0.6);  // 40 of each class
  const LabelledFeatures set = labelled(data);
  for (const int64_t per_class : {31, 40}) {
    try {
      draw_rows(set, {per_class, 1, 1, 30, 0}, 42);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const OptionError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("--per-class is " + std::to_string(per_class) + ";"),
                                      HasSubstr("--per-class 30 is the largest")));
    }
  }
  EXPECT_NO_THROW(EXPECT_EQ(draw_rows(set, {30, 1, 1, 30, 0}, 42).rows.training.size(), 90u));
}

TEST(FewLabels, HasTenRowsOfEachClassToChooseCHoweverSmallTheSet) {
  const SvmData data = clouds(120, 20, 3, 0.6);
  for (const int64_t published : {0, 60000}) {
    LabelledFeatures set = labelled(data);
    const DrawnRows drawn = draw_rows(set, {5, 1, 1, 4, published}, 42);
    std::vector<int64_t> counts(3);
    for (const int64_t row : drawn.rows.validation) ++counts[static_cast<size_t>(set.labels[static_cast<size_t>(row)])];
    EXPECT_THAT(counts, testing::ElementsAre(10, 10, 10));
    for (int64_t i = 0; i < 120; ++i) set.groups.push_back(i / 8);
    EXPECT_GE(draw_rows(set, {5, 1, 1, 4, published}, 42).rows.validation.size(), 30u);
  }
}

TEST(Protocols, SayHowManyFitsTheyWillMake) {
  const SvmData training = clouds(600, 20, 3, 0.6), test = clouds(90, 20, 3, 0.6, 0.5, 2);
  ProtocolResources r = resources();
  int64_t fits = 0;
  r.solver.on_fit = [&fits] { ++fits; };
  const DrawOptions draws{10, 2, 5, 100, 0};
  few_labels(labelled(training), labelled(test), draws, r);
  EXPECT_EQ(fits, fits_of(draws, r.grid));
  ValidationOptions folds;
  folds.folds = 3;
  for (const ValidationOptions& validation : {ValidationOptions(), folds}) {
    fits = 0;
    all_labels(labelled(training), labelled(test), validation, r);
    EXPECT_EQ(fits, fits_of(validation, r.grid));
  }
}

TEST(BinomialInterval, EndsWhereTheMeasuredShareIsNearlyTwoDeviationsAway) {
  for (const auto& [share, n] : {std::pair(0.5, 10), std::pair(0.0, 10), std::pair(1.0, 3), std::pair(0.75, 10000)}) {
    const auto [low, high] = binomial_interval(share, n);
    EXPECT_LE(low, share);
    EXPECT_GE(high, share);
    for (const double end : {low, high}) {
      EXPECT_NEAR(std::abs(end - share), 1.959964 * std::sqrt(end * (1 - end) / n), 1e-9) << share << " of " << n;
    }
  }
  EXPECT_NEAR(binomial_interval(0.75, 10000).high - 0.75, 0.0085, 2e-4) << "about 0.85 points on CIFAR-10";
}

TEST(ClosedTest, IsReadByNoProtocolBeforeCIsFixedAndOpensOnce) {
  // A source that counts its reads, and says so when the log does.
  struct Watched : RowSource {
    explicit Watched(const FeatureMatrix& m) : matrix(m) {}
    int64_t rows() const override { return matrix.rows(); }
    int64_t columns() const override { return matrix.columns(); }
    void read(int64_t first, int64_t count, float* out, int64_t pitch) const override {
      ++reads;
      matrix.read(first, count, out, pitch);
    }
    const FeatureMatrix& matrix;
    mutable int64_t reads = 0;
  };
  const SvmData training = clouds(300, 20, 3, 1), test = clouds(90, 20, 3, 1, 0.5, 2);
  const Watched watched(*test.matrix);
  LabelledFeatures set = labelled(test);
  const LabelledFeatures seen{watched, set.labels, set.names, {}, set.classes};
  ProtocolResources r = resources();
  std::vector<int64_t> reads;
  r.solver.log = [&](const std::string&) { reads.push_back(watched.reads); };
  few_labels(labelled(training), seen, {10, 2, 3, 50, 0}, r);
  EXPECT_THAT(reads, testing::Each(0));
  EXPECT_EQ(reads.size(), 5u);
  EXPECT_GT(watched.reads, 0);

  ClosedTest closed(seen);
  all_labels(labelled(training), std::move(closed), {}, r);
  // NOLINTNEXTLINE(bugprone-use-after-move): what is handed in a second time is refused.
  EXPECT_THROW(all_labels(labelled(training), std::move(closed), {}, r), Error);
}

MeasuredRow measured_row(size_t columns) {
  MeasuredRow row;
  row.model = "ours";
  row.features = 7;
  ProtocolResult result;
  result.accuracy = spread_of({0.5, 0.6, 0.7});
  result.c = 0.25;
  result.training_rows = 30;
  result.test_rows = 40;
  result.training_hash = "0123456789abcdef";
  result.notes = {"part of a set"};
  row.results.assign(columns, result);
  return row;
}

TEST(Tables, ShowThePapersRowsBesideOurs) {
  ResultTable table = cifar10_table();
  table.measured.push_back(measured_row(2));
  for (const TableFormat format : {TableFormat::kText, TableFormat::kMarkdown}) {
    EXPECT_THAT(
        render(table, format),
        AllOf(HasSubstr("82.8%"), HasSubstr("73.8% (±0.4%)"), HasSubstr("60.00% (±19.60%)"), HasSubstr("C = 0.25"),
              HasSubstr("0123456789abcdef"), HasSubstr("note: part of a set"), HasSubstr("3 draws")));
  }
}

TEST(Tables, SayNothingOfATestWhereOnlyValidationRowsWereSeen) {
  ResultTable table = svhn_table();
  table.measured.push_back(measured_row(1));
  EXPECT_THAT(render(table, TableFormat::kText), HasSubstr("tested on 40"));
  table.measured[0].results[0].test_rows = 0;
  EXPECT_THAT(render(table, TableFormat::kText), AllOf(Not(HasSubstr("tested on")), Not(HasSubstr("C ="))));
}

TEST(FewLabels, ADrawForATrainedNetworkKeepsTheValidationRowsAndIsAnother) {
  const SvmData training = clouds(600, 20, 3, 0.6), test = clouds(90, 20, 3, 0.6, 0.5, 2);
  const DrawOptions draws{10, 1, 1, 100, 0};
  const LabelledFeatures set = labelled(training);
  const ProtocolResult result = few_labels(set, labelled(test), draws, resources());
  const DrawnRows drawn = draw_rows(set, draws, resources().solver.seed);
  EXPECT_EQ(split_hash(set, drawn.rows.validation), result.validation_hash);
  EXPECT_NE(split_hash(set, drawn.rows.training), result.training_hash);
  EXPECT_EQ(drawn.rows.training.size(), 30u);
  EXPECT_EQ(drawn.pool_rows, 500);
}

TEST(Tables, OfErrorsTurnAccuraciesRound) {
  ResultTable table = svhn_table();
  table.measured.push_back(measured_row(1));
  EXPECT_THAT(render(table, TableFormat::kText), AllOf(HasSubstr("22.48%"), HasSubstr("40.00% (±19.60%)")));
}

TEST(Tables, InJsonHoldEveryFigure) {
  ResultTable table = svhn_table();
  table.measured.push_back(measured_row(1));
  const nlohmann::json json = nlohmann::json::parse(render(table, TableFormat::kJson));
  const nlohmann::json& result = json["measured"][0]["results"][0];
  EXPECT_NEAR(result["error"].get<double>(), 0.4, 1e-12);
  EXPECT_EQ(result["draws"], 3);
  EXPECT_EQ(result["notes"][0], "part of a set");
}

TEST(Tables, GiveASingleFitNoSpread) {
  ResultTable table = svhn_table();
  table.measured.push_back(measured_row(1));
  table.measured[0].results[0].accuracy = spread_of({0.5});
  table.measured[0].results[0].edge_warning = "the best C is the smallest";
  const nlohmann::json json = nlohmann::json::parse(render(table, TableFormat::kJson));
  EXPECT_TRUE(json["measured"][0]["results"][0]["sd"].is_null());
  EXPECT_TRUE(json["measured"][0]["results"][0]["ci_low"].is_null());
  EXPECT_THAT(render(table, TableFormat::kCsv),
              AllOf(HasSubstr("50.0000,1,,,,,0.25"), HasSubstr("warning: the best C is the smallest")));
}

TEST(Tables, GiveASingleFitTheBinomialIntervalOfItsTestRows) {
  ResultTable table = svhn_table();
  table.measured.push_back(measured_row(1));
  ProtocolResult& result = table.measured[0].results[0];
  const std::string of_draws = render(table, TableFormat::kText);
  EXPECT_THAT(of_draws,
              AllOf(Not(HasSubstr("binomial")), HasSubstr("what other test images would change is not in it")));
  result.accuracy = spread_of({0.75});
  result.test_rows = 10000;
  EXPECT_THAT(render(table, TableFormat::kText),
              AllOf(HasSubstr("25.00% [24.16 to 25.86]"), HasSubstr("95% binomial interval of 10000 test images")));
  const nlohmann::json json = nlohmann::json::parse(render(table, TableFormat::kJson));
  EXPECT_NEAR(json["measured"][0]["results"][0]["binomial_low"].get<double>(), 0.24161, 5e-5);
  EXPECT_THAT(render(table, TableFormat::kCsv), HasSubstr(",24.1610,25.8582\n"));
  result.test_rows = 0;
  EXPECT_THAT(render(table, TableFormat::kText), Not(HasSubstr("binomial"))) << "the validation rows chose";
}

TEST(Tables, PutFiguresOfAnotherNumberOfLabelsIntoAColumnOfTheirOwn) {
  ResultTable table = cifar10_table();
  EXPECT_EQ(column_for(table, 1, "400 per class", "400 per class"), 1u);
  EXPECT_THAT(table.columns, testing::ElementsAre("all labels", "400 per class"));
  EXPECT_EQ(column_for(table, 1, "400 per class", "10 per class"), 2u);
  EXPECT_THAT(table.columns, testing::ElementsAre("all labels", "400 per class", "10 per class"));
  MeasuredRow row = measured_row(3);
  row.results[1] = {};
  table.measured.push_back(row);
  const std::string markdown = render(table, TableFormat::kMarkdown);
  EXPECT_THAT(markdown, AllOf(HasSubstr("| 82.8% | 73.8% (±0.4%) |  | published"),
                              HasSubstr("| 60.00% (±19.60%) |  | 60.00% (±19.60%) | ours")));
}

TEST(Protocols, NoteWhichFitsDidNotConverge) {
  const SvmData training = clouds(600, 20, 3, 0.6), test = clouds(90, 20, 3, 0.6, 0.5, 2);
  ProtocolResources r = resources();
  r.grid = {1e-3, 1e-2};
  EXPECT_TRUE(all_labels(labelled(training), labelled(test), {}, r).converged);
  r.svm.max_passes = 1;
  r.svm.tolerance = 1e-9;
  const ProtocolResult all = all_labels(labelled(training), labelled(test), {}, r);
  const ProtocolResult few = few_labels(labelled(training), labelled(test), {10, 2, 5, 100, 0}, r);
  EXPECT_FALSE(all.converged);
  EXPECT_FALSE(few.converged);
  EXPECT_THAT(all.notes, testing::ElementsAre(HasSubstr("not converged: the fit did not"), HasSubstr("2 of 2 fits")));
  EXPECT_THAT(few.notes, testing::IsSupersetOf({HasSubstr("not converged: 5 of 5 fits"), HasSubstr("4 of 4 fits")}));
}

TEST(Tables, MarkFiguresOfFitsThatDidNotConvergeInEveryFormat) {
  ResultTable table = svhn_table();
  table.measured.push_back(measured_row(1));
  ProtocolResult& result = table.measured[0].results[0];
  for (const TableFormat format : {TableFormat::kText, TableFormat::kMarkdown, TableFormat::kCsv, TableFormat::kJson}) {
    result.converged = true;
    result.notes.clear();
    EXPECT_THAT(render(table, format), Not(HasSubstr("not converge")));
    result.converged = false;
    result.notes = {"not converged: 2 of 3 fits"};
    EXPECT_THAT(render(table, format), HasSubstr("not converged: 2 of 3 fits"));
    if (format == TableFormat::kText || format == TableFormat::kMarkdown) {
      EXPECT_THAT(render(table, format), HasSubstr("40.00% (±19.60%) (not converged)"));
    }
  }
  EXPECT_FALSE(nlohmann::json::parse(render(table, TableFormat::kJson))["measured"][0]["results"][0]["converged"]);
}

TEST(Tables, InCsvHaveAsManyFieldsInEachLineAsInTheFirst) {
  ResultTable table = svhn_table();
  table.published.clear();
  table.published.push_back({"KNN", {"77.93%"}, ""});
  table.measured.push_back(measured_row(1));
  std::istringstream lines(render(table, TableFormat::kCsv));
  std::set<int64_t> commas;
  for (std::string line; std::getline(lines, line);) commas.insert(std::count(line.begin(), line.end(), ','));
  EXPECT_EQ(commas.size(), 1u);
}

}  // namespace
}  // namespace dcgan::eval
