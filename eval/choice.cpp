#include "eval/choice.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <map>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/seeds.h"

namespace dcgan::eval {

const std::vector<double>& published_c_grid() {
  static const std::vector<double> grid = {1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2};
  return grid;
}

bool ChosenC::at_edge() const { return grid_.size() > 1 && (value_ == grid_.front().c || value_ == grid_.back().c); }

std::string ChosenC::edge_warning() const {
  if (!at_edge()) return "";
  std::ostringstream text;
  text << "the best C, " << value_ << ", is the " << (value_ == grid_.front().c ? "smallest" : "largest")
       << " of the grid; widen --c-grid to be sure.";
  return text.str();
}

ChosenC given_c(double c) {
  check_cost("c", c);
  return {c, {}};
}

ChosenC best_of(std::vector<GridPoint> grid) {
  std::sort(grid.begin(), grid.end(), [](const GridPoint& a, const GridPoint& b) { return a.c < b.c; });
  const auto best = std::max_element(grid.begin(), grid.end(),
                                     [](const GridPoint& a, const GridPoint& b) { return a.accuracy < b.accuracy; });
  const double c = best->c;
  return {c, std::move(grid)};
}

void check(const ValidationOptions& options) {
  require_option(options.folds == 0 || options.folds >= 2, "folds", options.folds, "0 or at least 2");
  require_option(options.held_out > 0 && options.held_out < 1, "held-out", options.held_out, "between 0 and 1");
}

std::vector<RowSplit> validation_splits(const std::vector<int32_t>& labels, const std::vector<int64_t>& groups,
                                        const ValidationOptions& options, uint64_t seed) {
  check(options);
  const int64_t n = static_cast<int64_t>(labels.size());
  // A share in [0, 1) for each row: rows of one class (or the groups) are put in random order and spread evenly.
  std::vector<double> share(labels.size());
  if (groups.empty()) {
    std::map<int32_t, std::vector<int64_t>> classes;
    for (const int64_t i : shuffled_indices(n, derive_seed(seed, "validation"))) {
      classes[labels[static_cast<size_t>(i)]].push_back(i);
    }
    for (const auto& [label, rows] : classes) {
      for (size_t i = 0; i < rows.size(); ++i) {
        share[static_cast<size_t>(rows[i])] = (static_cast<double>(i) + 0.5) / static_cast<double>(rows.size());
      }
    }
  } else {
    std::map<int64_t, int64_t> order;
    for (const int64_t group : groups) order[group] = 0;
    const std::vector<int64_t> shuffled =
        shuffled_indices(static_cast<int64_t>(order.size()), derive_seed(seed, "validation"));
    size_t next = 0;
    for (auto& [group, place] : order) place = shuffled[next++];
    for (size_t i = 0; i < labels.size(); ++i) {
      share[i] = (static_cast<double>(order[groups[i]]) + 0.5) / static_cast<double>(order.size());
    }
  }
  std::vector<RowSplit> splits;
  const int64_t count = std::max<int64_t>(options.folds, 1);
  for (int64_t fold = 0; fold < count; ++fold) {
    const double low = options.folds ? static_cast<double>(fold) / static_cast<double>(count) : 0;
    const double high = options.folds ? static_cast<double>(fold + 1) / static_cast<double>(count) : options.held_out;
    RowSplit split;
    for (int64_t i = 0; i < n; ++i) {
      const double s = share[static_cast<size_t>(i)];
      (s >= low && s < high ? split.validation : split.training).push_back(i);
    }
    if (split.validation.empty() || split.training.empty()) {
      throw Error(std::to_string(n) + " rows are too few to hold some out for choosing C; give it with --c.");
    }
    splits.push_back(std::move(split));
  }
  return splits;
}

TrainingSet subset(const TrainingSet& set, const std::vector<int64_t>& indices) {
  TrainingSet result{set.features, {}, {}, set.classes};
  for (const int64_t i : indices) {
    result.rows.push_back(set.rows.at(static_cast<size_t>(i)));
    result.labels.push_back(set.labels[static_cast<size_t>(i)]);
  }
  return result;
}

namespace {

// "C = 0.001: 71.20% of the held-out rows are right (17 passes, 12.3 s)"
std::string describe(const SvmFit& fit, double right) {
  std::ostringstream text;
  text << "C = " << fit.c << std::fixed << std::setprecision(2) << ": " << 100 * right
       << "% of the held-out rows are right (";
  if (fit.passes > 0) text << fit.passes << (fit.passes == 1 ? " pass, " : " passes, ");
  text << std::setprecision(1) << fit.seconds << " s)";
  return text.str();
}

}  // namespace

SvmOptions for_validation(SvmOptions options) {
  options.tolerance = std::max(options.tolerance, std::min(10 * options.tolerance, 1e-3));
  return options;
}

ChosenC choose_c(const TrainingSet& set, const std::vector<RowSplit>& splits, std::vector<double> grid,
                 const SvmOptions& options, const SolverResources& resources) {
  if (grid.empty()) throw OptionError("--c-grid is empty; give values of C, such as 1e-5,1e-4,1e-3.");
  for (const double c : grid) check_cost("c-grid", c);
  std::sort(grid.begin(), grid.end());
  grid.erase(std::unique(grid.begin(), grid.end()), grid.end());
  std::vector<GridPoint> points;
  for (const double c : grid) points.push_back({c, 0, 0});
  for (const RowSplit& split : splits) {
    const TrainingSet training = subset(set, split.training);
    const TrainingSet validation = subset(set, split.validation);
    const std::unique_ptr<SvmSolver> solver = make_solver(training, for_validation(options), resources);
    for (GridPoint& point : points) {
      const SvmFit fit = solver->fit(point.c);
      const double right =
          accuracy(predict(fit.model, set.features, validation.rows, resources.threads), validation.labels);
      point.accuracy += right;
      point.fits += 1;
      if (resources.log) resources.log(describe(fit, right));
    }
  }
  for (GridPoint& point : points) point.accuracy /= static_cast<double>(splits.size());
  return best_of(std::move(points));
}

std::vector<double> TestSplit::open(const ChosenC& c, const std::vector<SvmFit>& fits, int64_t threads) {
  if (opened_) throw Error("the test split was opened before; it opens once, after C is fixed.");
  opened_ = true;
  std::vector<double> accuracies;
  for (const SvmFit& fit : fits) {
    if (fit.c != c.value()) throw Error("a machine was fitted with another C than the one that was chosen.");
    accuracies.push_back(accuracy(predict(fit.model, set_.features, set_.rows, threads), set_.labels));
  }
  return accuracies;
}

}  // namespace dcgan::eval
