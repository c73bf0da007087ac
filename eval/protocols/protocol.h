#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "eval/choice.h"
#include "eval/protocols/spread.h"
#include "eval/splits.h"
#include "eval/svm/solver.h"
#include "eval/test_split.h"

namespace dcgan::eval {

/// Rows with labels and the names of the rows, for the hashes of splits.
struct LabelledFeatures {
  const RowSource& features;
  std::vector<int32_t> labels;     ///< [N]
  std::vector<std::string> names;  ///< [N]
  std::vector<int64_t> groups;     ///< [N] such as houses, or empty
  std::vector<std::string> classes;
};

/// 16 hexadecimal digits that change with the rows' names and their order.
std::string split_hash(const LabelledFeatures& set, const std::vector<int64_t>& rows);

/// The test rows of one protocol: how many and which, but their features and labels only through `split`, which opens
/// once, after C is fixed.
struct ClosedTest {
  ClosedTest(const LabelledFeatures& set);  // implicit: a protocol that is handed test rows gets them closed

  TestSplit split;
  int64_t rows = 0, columns = 0;
  std::vector<std::string> classes;
  std::string hash;
};

/// What every protocol needs.
struct ProtocolResources {
  SvmOptions svm;
  SolverResources solver;  ///< threads, seed, log
  std::vector<double> grid;
};

/// The outcome of a protocol for one set of features.
struct ProtocolResult {
  Spread accuracy;                ///< on the test rows
  Confusion confusion;            ///< of all machines whose accuracy is reported
  std::vector<Mistake> mistakes;  ///< of a single machine; rows of the test set
  double c = 0;
  std::vector<GridPoint> grid;
  std::string edge_warning;   ///< empty unless the best C lies at an edge of the grid
  bool converged = true;      ///< all fits whose accuracy is reported, and all that chose C; otherwise notes say more
  int64_t training_rows = 0;  ///< of each fit whose accuracy is reported
  int64_t pool_rows = 0;      ///< that draws are taken from; 0: all rows are used
  int64_t validation_rows = 0;
  int64_t test_rows = 0;  ///< 0: the accuracy is that on the validation rows
  std::string training_hash, validation_hash, test_hash;
  std::vector<std::string> notes;  ///< what differs from the published setting, and what to beware of
};

/// C by a hold-out of a fifth of the training rows (or by folds), then one machine on all of them.
ProtocolResult all_labels(const LabelledFeatures& training, ClosedTest&& test, const ValidationOptions& validation,
                          const ProtocolResources& resources);

/// Few labels: `per_class` examples of each class in each draw.
struct DrawOptions {
  static constexpr int64_t kPublishedValidation = 10000;
  static constexpr int64_t kLeastValidation = 10;  ///< rows of each class
  int64_t per_class = 100;
  int64_t selection_draws = 10;  ///< for each value of C
  int64_t final_draws = 100;     ///< at the best C
  int64_t validation_rows = kPublishedValidation;
  int64_t published_rows = 0;  ///< N of the published training set; 0: any N is as published
};

template <class Visitor>
void describe(DrawOptions& o, Visitor&& f) {
  f(o.per_class, "per-class", "labelled examples of each class in a draw");
  f(o.selection_draws, "selection-draws", "draws for each value of C");
  f(o.final_draws, "draws", "draws at the best C, tested on the test set");
  f(o.validation_rows, "validation",
    "training images set apart to choose C; fewer, in proportion, where the set is smaller than the published one, but "
    "at least 10 of each class");
}

void check(const DrawOptions& options);

/// The rows of one draw and the validation rows, apart from the draws of few_labels: for a network that is trained on
/// the labels themselves, and to see that there are enough rows before anything is computed of them.
struct DrawnRows {
  RowSplit rows;
  int64_t pool_rows = 0;
  std::vector<std::string> notes;
};
/// @throws Error naming a class with too few rows, and the largest `per_class` that fits
DrawnRows draw_rows(const LabelledFeatures& training, const DrawOptions& options, uint64_t seed);

/// The authors' svhn_semisup_analysis.py: validation rows are set apart from the training set; for each C some random
/// draws are fitted and validated; then fresh draws at the best C are tested. Where the training set is smaller than
/// the published one, there are at most as many validation rows as its share. A note says how far draws overlap.
/// @throws as draw_rows()
ProtocolResult few_labels(const LabelledFeatures& training, ClosedTest&& test, const DrawOptions& options,
                          const ProtocolResources& resources);

/// Fits of a protocol for one set of features, for its progress.
int64_t fits_of(const ValidationOptions& validation, const std::vector<double>& grid);
int64_t fits_of(const DrawOptions& draws, const std::vector<double>& grid);

}  // namespace dcgan::eval
