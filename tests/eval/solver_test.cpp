#include "eval/svm/solver.h"

#include <gmock/gmock.h>
#include <linear.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "eval/svm/convergence.h"
#include "eval/svm/dense_solver.h"
#include "eval/svm/objective.h"
#include "svm_data.h"

namespace dcgan::eval {
namespace {

using testing::AllOf;
using testing::HasSubstr;

SvmFit dense_fit(const TrainingSet& set, double c, const SvmOptions& options = {}, int64_t threads = 1) {
  SolverResources resources;
  resources.threads = threads;
  return make_solver(set, options, resources)->fit(c);
}

double largest_difference(const LinearModel& a, const LinearModel& b) {
  double largest = 0;
  for (size_t i = 0; i < a.weights.size(); ++i) largest = std::max(largest, std::abs(a.weights[i] - b.weights[i]));
  return largest;
}

// LIBLINEAR's primal solver run to a tiny eps: the reference. (Its dual solvers stop at an iteration cap.)
LinearModel liblinear_optimum(const TrainingSet& set, Loss loss, bool intercept, double c) {
  const int64_t columns = set.features.columns();
  std::vector<std::vector<feature_node>> nodes;
  std::vector<feature_node*> rows;
  std::vector<double> targets;
  std::vector<float> x(static_cast<size_t>(columns));
  for (size_t i = 0; i < set.rows.size(); ++i) {
    set.features.read(set.rows[i], 1, x.data(), columns);
    std::vector<feature_node> row;
    for (int j = 0; j < columns; ++j) row.push_back({j + 1, static_cast<double>(x[static_cast<size_t>(j)])});
    if (intercept) row.push_back({static_cast<int>(columns) + 1, 1.0});
    row.push_back({-1, 0});
    nodes.push_back(row);
  }
  for (auto& row : nodes) rows.push_back(row.data());
  LinearModel result{set.classes, columns, std::vector<double>(static_cast<size_t>(set.classes * (columns + 1)))};
  set_print_string_function([](const char*) {});
  for (int64_t k = 0; k < set.classes; ++k) {
    targets.clear();
    for (const int32_t label : set.labels) targets.push_back(label == k ? 1 : -1);
    problem p{};
    p.l = static_cast<int>(rows.size());
    p.n = static_cast<int>(columns) + (intercept ? 1 : 0);
    p.y = targets.data();
    p.x = rows.data();
    p.bias = intercept ? 1 : -1;
    parameter options{};
    options.solver_type = loss == Loss::kSquaredHinge ? L2R_L2LOSS_SVC : L2R_LR;
    options.eps = 1e-10;
    options.C = c;
    model* trained = train(&p, &options);
    const double sign = trained->label[0] == 1 ? 1 : -1;
    for (int j = 0; j < p.n; ++j) result.machine(k)[j] = sign * trained->w[j];
    free_and_destroy_model(&trained);
  }
  return result;
}

struct Agreement {
  const char* kind;
  Loss loss;
  Intercept intercept;
  double c;
};

class DenseSolver : public testing::TestWithParam<Agreement> {};

TEST_P(DenseSolver, IsNoWorseThanLiblinearRunToATinyEpsAndPredictsTheSameOutsideTheGap) {
  const Agreement& test = GetParam();
  const SvmData data = data_of_kind(test.kind);
  SvmOptions options;
  options.loss = test.loss;
  options.intercept = test.intercept;
  const SvmFit fit = dense_fit(data.set, test.c, options);
  const LinearModel reference = liblinear_optimum(data.set, test.loss, test.intercept == Intercept::kPenalised, test.c);
  const double optimum = primal_objective(reference, data.set, test.loss, test.c);
  EXPECT_TRUE(fit.converged);
  EXPECT_LE(fit.gap, options.tolerance);
  EXPECT_LE(fit.primal, optimum * (1 + 1e-4));
  EXPECT_LE(fit.dual, optimum * (1 + 1e-6)) << "the dual is a lower bound";
  EXPECT_NEAR(fit.primal, primal_objective(fit.model, data.set, test.loss, test.c), 1e-5 * optimum);

  const std::vector<double> ours = scores(fit.model, *data.matrix, data.set.rows, 1);
  const std::vector<double> theirs = scores(reference, *data.matrix, data.set.rows, 1);
  const std::vector<int32_t> our_class = predict(fit.model, *data.matrix, data.set.rows, 1);
  const std::vector<int32_t> their_class = predict(reference, *data.matrix, data.set.rows, 1);
  for (size_t i = 0; i < our_class.size(); ++i) {
    double norm = 1;
    for (int64_t j = 0; j < data.matrix->columns(); ++j) norm += std::pow(data.matrix->row(data.set.rows[i])[j], 2);
    double allowed = 0;  // |w - w*| <= sqrt(2 gap) for each of the two classes
    for (const double gap : fit.class_gaps) allowed = std::max(allowed, 2 * std::sqrt(2 * std::max(gap, 0.0) * norm));
    const double* row = theirs.data() + i * static_cast<size_t>(data.set.classes);
    std::vector<double> sorted(row, row + data.set.classes);
    std::sort(sorted.rbegin(), sorted.rend());
    if (sorted[0] - sorted[1] > allowed) {
      EXPECT_EQ(our_class[i], their_class[i]) << "row " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(FiveKinds, DenseSolver,
                         testing::Values(Agreement{"random", Loss::kSquaredHinge, Intercept::kPenalised, 0.1},
                                         Agreement{"random", Loss::kSquaredHinge, Intercept::kNone, 1},
                                         Agreement{"random", Loss::kLogistic, Intercept::kPenalised, 1},
                                         Agreement{"separable", Loss::kSquaredHinge, Intercept::kPenalised, 1},
                                         Agreement{"separable", Loss::kSquaredHinge, Intercept::kPenalised, 100},
                                         Agreement{"separable", Loss::kLogistic, Intercept::kNone, 10},
                                         Agreement{"duplicated", Loss::kSquaredHinge, Intercept::kPenalised, 1},
                                         Agreement{"constant column", Loss::kSquaredHinge, Intercept::kPenalised, 1},
                                         Agreement{"constant column", Loss::kSquaredHinge, Intercept::kNone, 10},
                                         Agreement{"constant column", Loss::kLogistic, Intercept::kPenalised, 1},
                                         Agreement{"badly scaled", Loss::kSquaredHinge, Intercept::kPenalised, 1e-3},
                                         Agreement{"badly scaled", Loss::kSquaredHinge, Intercept::kPenalised, 1},
                                         Agreement{"badly scaled", Loss::kLogistic, Intercept::kNone, 1}),
                         [](const auto& test) {
                           std::string name = std::string(test.param.kind) +
                                              (test.param.loss == Loss::kLogistic ? "Logistic" : "Hinge") +
                                              (test.param.intercept == Intercept::kNone ? "WithoutIntercept" : "") +
                                              std::to_string(test.index);
                           name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
                           return name;
                         });

// More rows than the kernel form takes, so that there are blocks and partitions.
TEST(DenseSolverInBlocks, ReportsEveryPassAlsoOfNewtonsMethodSoThatItCanBeStopped) {
  const SvmData data = data_of_kind("badly scaled");
  SolverResources resources;
  int64_t last = 0, skipped = 0;
  resources.on_pass = [&](int64_t passes, double) {
    skipped = std::max(skipped, passes - last - 1);
    last = passes;
  };
  const SvmFit fit = make_solver(data.set, {}, resources)->fit(1);
  EXPECT_GT(fit.passes, 60) << "too easy: descent did it alone";
  EXPECT_LE(skipped, 1);  // after a Newton step one pass multiplies and one adds up
  resources.on_pass = [](int64_t passes, double) {
    if (passes > 60) throw Error("stopped");
  };
  EXPECT_THROW(make_solver(data.set, {}, resources)->fit(1), Error);
}

TEST(DenseSolverInBlocks, ClosesTheGapToWhateverToleranceIsAsked) {
  const SvmData data = clouds(1500, 40, 3, 0.4);
  SvmOptions options;
  double last = std::numeric_limits<double>::infinity();
  for (const double tolerance : {1e-2, 1e-4, 1e-6}) {
    options.tolerance = tolerance;
    const SvmFit fit = dense_fit(data.set, 1e-3, options);
    EXPECT_TRUE(fit.converged) << tolerance;
    EXPECT_LE(fit.gap, tolerance);
    EXPECT_LE(fit.gap, last);
    last = fit.gap;
  }
}

// Rounding in float32 moves a bound by about 1e-8 of the objective.
TEST(DenseSolverInBlocks, BoundsTheOptimumFromBothSidesAlsoWhereFloat32WouldNotDo) {
  const SvmData data = clouds(1500, 40, 3, 0.4);
  const double optimum = primal_objective(liblinear_optimum(data.set, Loss::kSquaredHinge, true, 1e-3), data.set,
                                          Loss::kSquaredHinge, 1e-3);
  SvmOptions options;
  for (const double tolerance : {1e-7, 1e-9, 1e-11}) {
    options.tolerance = tolerance;
    const SvmFit fit = dense_fit(data.set, 1e-3, options);
    EXPECT_TRUE(fit.converged) << tolerance;
    EXPECT_LE(std::abs(fit.gap), tolerance);
    EXPECT_LE(fit.dual, optimum * (1 + 1e-12)) << tolerance;  // the reference's own gap, with eps 1e-10, is below this
    EXPECT_GE(fit.primal, optimum * (1 - 1e-12)) << tolerance;
    EXPECT_NEAR(fit.primal, primal_objective(fit.model, data.set, Loss::kSquaredHinge, 1e-3), 1e-12 * optimum);
  }
}

TEST(DenseSolverInBlocks, SaysThatItDidNotConvergeWhereEvenFloat64IsTooCoarse) {
  const SvmData data = clouds(300, 40, 3, 0.4);
  SvmOptions options;
  options.tolerance = 1e-30;
  options.max_passes = 200;
  EXPECT_FALSE(dense_fit(data.set, 1e-3, options).converged);
}

TEST(DenseSolverInBlocks, SaysThatItDidNotConvergeWhereTheObjectiveIsNoNumber) {
  const SvmData data = clouds(300, 40, 3, 0.1);
  SvmOptions options;
  options.max_passes = 10;
  const SvmFit fit = dense_fit(data.set, 1e308, options);
  EXPECT_FALSE(std::isfinite(fit.primal));
  EXPECT_FALSE(fit.converged);
}

TEST(DenseSolverInBlocks, AgreesWithLiblinearOnRowsInOrderOfTheirClasses) {
  SvmData data = clouds(1500, 40, 3, 0.4, 5.0);
  std::sort(data.set.rows.begin(), data.set.rows.end(), [](int64_t a, int64_t b) { return a % 3 < b % 3; });
  for (size_t i = 0; i < 1500; ++i) data.set.labels[i] = static_cast<int32_t>(data.set.rows[i] % 3);
  const SvmFit fit = dense_fit(data.set, 1e-2);
  const double optimum = primal_objective(liblinear_optimum(data.set, Loss::kSquaredHinge, true, 1e-2), data.set,
                                          Loss::kSquaredHinge, 1e-2);
  EXPECT_LE(fit.primal, optimum * (1 + 1e-4));
}

void expect_the_same_bits_for_any_number_of_threads(const SvmData& data, double c) {
  const SvmFit one = dense_fit(data.set, c, {}, 1);
  for (const int64_t threads : {2, 3, 5}) {
    const SvmFit several = dense_fit(data.set, c, {}, threads);
    EXPECT_EQ(several.model.weights, one.model.weights) << threads << " threads";
    EXPECT_EQ(several.primal, one.primal);
    EXPECT_EQ(several.gap, one.gap);
  }
}

TEST(DenseSolverInBlocks, GivesTheSameBitsForAnyNumberOfThreads) {
  expect_the_same_bits_for_any_number_of_threads(clouds(1500, 2100, 4, 0.1), 1e-4);
}

TEST(DenseSolverInTheKernelForm, GivesTheSameBitsForAnyNumberOfThreads) {
  expect_the_same_bits_for_any_number_of_threads(clouds(100, 2100, 4, 0.1), 1e-2);
}

TEST(DenseSolverThatEndsWithNewton, GivesTheSameBitsForAnyNumberOfThreads) {
  expect_the_same_bits_for_any_number_of_threads(data_of_kind("badly scaled"), 1);
}

TEST(DenseSolverInBlocks, ReachesTheSameWeightsWithEveryInstructionSet) {
  const SvmData data = clouds(1500, 40, 3, 0.4);
  SvmOptions options;
  options.tolerance = 1e-6;
  const SvmFit best = dense_fit(data.set, 1e-3, options);
  for (const RowKernels& kernels : available_row_kernels()) {
    const SvmFit fit = make_dense_solver(data.set, options, {}, kernels)->fit(1e-3);
    EXPECT_LT(largest_difference(fit.model, best.model), 1e-3) << kernels.name;
  }
}

TEST(DenseSolverInBlocks, PermutedRowsLeaveTheWeightsWithinTheGap) {
  const SvmData data = clouds(1500, 40, 3, 0.4);
  SvmOptions options;
  options.tolerance = 1e-6;
  TrainingSet permuted{data.set.features, {}, {}, data.set.classes};
  for (const int64_t i : shuffled_indices(1500, 3)) {
    permuted.rows.push_back(i);
    permuted.labels.push_back(data.set.labels[static_cast<size_t>(i)]);
  }
  const SvmFit a = dense_fit(data.set, 1e-3, options), b = dense_fit(permuted, 1e-3, options);
  double bound = 0;
  for (const SvmFit& fit : {a, b}) {
    for (const double gap : fit.class_gaps) bound += std::sqrt(2 * std::abs(gap));
  }
  EXPECT_LE(largest_difference(a.model, b.model), bound + 1e-6);
}

TEST(DenseSolverInBlocks, TwoCopiesOfTheRowsAreTwiceC) {
  const SvmData data = clouds(1500, 40, 3, 0.4);
  TrainingSet twice = data.set;
  twice.rows.insert(twice.rows.end(), data.set.rows.begin(), data.set.rows.end());
  twice.labels.insert(twice.labels.end(), data.set.labels.begin(), data.set.labels.end());
  const double doubled_c = dense_fit(data.set, 2e-3).primal, doubled_rows = dense_fit(twice, 1e-3).primal;
  EXPECT_NEAR(doubled_rows, doubled_c, 1e-4 * doubled_c);
}

TEST(DenseSolverInBlocks, AWarmStartNeedsFewerPassesAndEndsAtTheSameObjective) {
  const SvmData data = clouds(1500, 40, 3, 0.4, 3.0);
  const std::unique_ptr<SvmSolver> solver = make_solver(data.set, {});
  solver->fit(1e-3);
  const SvmFit warm = solver->fit(1.2e-3), cold = dense_fit(data.set, 1.2e-3);
  EXPECT_LE(warm.passes, cold.passes);
  EXPECT_NEAR(warm.primal, cold.primal, 1e-4 * cold.primal);
  const SvmFit back = solver->fit(1e-4);
  EXPECT_TRUE(back.converged);
  EXPECT_NEAR(back.primal, dense_fit(data.set, 1e-4).primal, 1e-4 * back.primal);
}

// The weights are float32 sums of all updates there ever were, and the lower bound counts on them: half a million
// updates put it off by 5e-8, far less than the 1e-6 below which Newton's method works in float64.
TEST(DenseSolverInBlocks, BoundsTheOptimumFromBelowAfterHundredsOfFits) {
  const SvmData data = clouds(1500, 40, 3, 0.4);
  SvmOptions options;
  options.tolerance = 1e-9;
  const double optimum = dense_fit(data.set, 1e-3, options).primal;
  options.tolerance = 1e-6;
  const std::unique_ptr<SvmSolver> solver = make_solver(data.set, options);
  for (int i = 0; i < 300; ++i) {
    solver->fit(i % 2 == 0 ? 7e-4 : 1.7e-3);
    const SvmFit fit = solver->fit(1e-3);
    ASSERT_LT(fit.passes, 30) << "fit " << i << " was left to Newton's method";
    ASSERT_LE(fit.dual, optimum * (1 + 2e-7)) << i;
    ASSERT_LE(fit.primal, optimum * (1 + 1e-6)) << i;
  }
}

TEST(DenseSolverInBlocks, RowsFromASourceInPiecesReachTheSameObjective) {
  // A source that does not admit to be in memory, with room for a quarter of the rows.
  struct OnDisk : RowSource {
    explicit OnDisk(const FeatureMatrix& m) : matrix(m) {}
    int64_t rows() const override { return matrix.rows(); }
    int64_t columns() const override { return matrix.columns(); }
    void read(int64_t first, int64_t count, float* out, int64_t pitch) const override {
      matrix.read(first, count, out, pitch);
    }
    const FeatureMatrix& matrix;
  };
  const SvmData data = clouds(2000, 40, 3, 0.4, 2.0);
  const OnDisk source(*data.matrix);
  const TrainingSet set{source, data.set.rows, data.set.labels, 3};
  SolverResources resources;
  resources.max_memory = 2000 * row_pitch(40) * 4 / 2;
  const SvmFit pieces = make_solver(set, {}, resources)->fit(1e-3), whole = dense_fit(data.set, 1e-3);
  EXPECT_TRUE(pieces.converged);
  EXPECT_NEAR(pieces.primal, whole.primal, 1e-4 * whole.primal);
  EXPECT_EQ(pieces.model.weights, make_solver(set, {}, resources)->fit(1e-3).model.weights) << "the same each time";
}

TEST(DenseSolverWithTwoClasses, HasMirroredMachinesAndCountsBoth) {
  const SvmData data = clouds(200, 10, 2, 0.5);
  const SvmFit fit = dense_fit(data.set, 0.1);
  for (int64_t j = 0; j <= 10; ++j) EXPECT_EQ(fit.model.machine(0)[j], -fit.model.machine(1)[j]);
  EXPECT_NEAR(fit.primal, primal_objective(fit.model, data.set, Loss::kSquaredHinge, 0.1), 1e-6 * fit.primal);
}

TEST(SvmOptions, EachChangesTheResult) {
  const SvmData data = clouds(300, 40, 3, 0.4, 1.0);
  const SvmFit base = dense_fit(data.set, 0.01);
  SvmOptions loss, intercept, tolerance, solver, passes;
  loss.loss = Loss::kLogistic;
  intercept.intercept = Intercept::kNone;
  tolerance.tolerance = 0.05;
  solver.solver = SolverKind::kLiblinear;
  for (const SvmOptions& options : {loss, intercept, tolerance, solver}) {
    EXPECT_NE(dense_fit(data.set, 0.01, options).model.weights, base.model.weights);
  }
  passes.max_passes = 1;
  passes.tolerance = 1e-9;
  const SvmFit stopped = dense_fit(data.set, 0.01, passes);
  EXPECT_FALSE(stopped.converged);
  EXPECT_EQ(stopped.passes, 1);
  EXPECT_GT(stopped.gap, 1e-9);
  EXPECT_FALSE(dense_fit(data.set, 0.01, solver).has_dual);
}

TEST(LiblinearSolver, GivesTheObjectiveOfItsWeightsAndAgreesWithTheDenseOne) {
  const SvmData data = clouds(300, 40, 3, 0.4);
  SvmOptions options;
  options.solver = SolverKind::kLiblinear;
  const SvmFit fit = dense_fit(data.set, 0.01, options), dense = dense_fit(data.set, 0.01);
  EXPECT_DOUBLE_EQ(fit.primal, primal_objective(fit.model, data.set, Loss::kSquaredHinge, 0.01));
  EXPECT_NEAR(fit.primal, dense.primal, 0.01 * dense.primal);
}

TEST(SvmSolvers, NeverPredictAClassWithoutExamples) {
  SvmData data = clouds(300, 40, 3, 0.4);
  data.set.classes = 4;
  SvmOptions options;
  for (const SolverKind solver : {SolverKind::kDense, SolverKind::kLiblinear}) {
    options.solver = solver;
    const LinearModel model = dense_fit(data.set, 0.01, options).model;
    EXPECT_THAT(predict(model, *data.matrix, data.set.rows, 1), testing::Each(testing::Ne(3)));
  }
}

TEST(LiblinearSolver, SaysThatItGaveUpWhereItsObjectiveIsFarFromTheOptimum) {
  SvmOptions options;
  options.solver = SolverKind::kLiblinear;
  const SvmData scaled = data_of_kind("badly scaled"), easy = clouds(300, 40, 3, 0.4);
  const SvmFit hard = dense_fit(scaled.set, 1, options);
  EXPECT_FALSE(hard.converged);
  EXPECT_GT(hard.primal, 1.1 * dense_fit(scaled.set, 1).primal);
  EXPECT_TRUE(dense_fit(easy.set, 0.01, options).converged);
  options.loss = Loss::kLogistic;
  EXPECT_TRUE(dense_fit(easy.set, 0.01, options).converged);
}

TEST(LiblinearSolver, FitsTheSameTwiceInAProcessAndLeavesItsCallersRandomNumbersAlone) {
  const SvmData data = clouds(300, 40, 3, 0.4);
  SvmOptions options;
  options.solver = SolverKind::kLiblinear;
  std::srand(7);
  const int expected = std::rand();
  std::srand(7);
  const SvmFit first = dense_fit(data.set, 0.01, options);
  EXPECT_EQ(std::rand(), expected);
  std::srand(8);
  EXPECT_EQ(dense_fit(data.set, 0.01, options).model.weights, first.model.weights);
}

SvmFit given_up(double gap, bool has_dual = true) {
  SvmFit fit;
  fit.converged = false;
  fit.has_dual = has_dual;
  fit.gap = gap;
  return fit;
}

TEST(Convergence, SaysHowManyFitsGaveUpHowFarTheyWereAndWhatToDo) {
  Convergence some;
  some.add(SvmFit());
  EXPECT_TRUE(some.reached());
  EXPECT_EQ(some.warning(), "");
  some.add(given_up(0.25));
  EXPECT_EQ(some.warning(), "1 of 2 fits did not converge (gap 0.25); raise --max-passes, or --tolerance.");
  Convergence more;
  more.add(given_up(-0.5));
  EXPECT_EQ(more.warning(), "the fit did not converge (gap 0.5); raise --max-passes, or --tolerance.");
  more.add(some);
  EXPECT_EQ(more.warning(), "2 of 3 fits did not converge (gap up to 0.5); raise --max-passes, or --tolerance.");
  EXPECT_FALSE(more.reached());
  Convergence liblinear;
  liblinear.add(given_up(0, false));
  EXPECT_THAT(liblinear.warning(), AllOf(HasSubstr("the fit did not converge"), HasSubstr("--solver dense")));
}

template <class Throws>
std::string message_of(const Throws& throws) {
  try {
    throws();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(SolverMessages, NameTheFlagTheValueAndTheRule) {
  const SvmData data = clouds(10, 2, 2, 1);
  SvmOptions options;
  options.tolerance = 0;
  EXPECT_THAT(message_of([&] { dense_fit(data.set, 1, options); }),
              AllOf(HasSubstr("--tolerance is 0"), HasSubstr("between 0 and 1")));
  EXPECT_THAT(message_of([&] { dense_fit(data.set, -2); }), AllOf(HasSubstr("--c is -2"), HasSubstr("positive")));
}

TEST(SolverMessages, SayHowManyClassesHaveExamples) {
  SvmData data = clouds(10, 2, 2, 1);
  data.set.labels.assign(10, 1);
  EXPECT_THAT(message_of([&] { dense_fit(data.set, 1); }), AllOf(HasSubstr("1 class"), HasSubstr("at least 2")));
}

}  // namespace
}  // namespace dcgan::eval
