#include "eval/choice.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/options.h"

namespace dcgan::eval {

const std::vector<double>& published_c_grid() {
  static const std::vector<double> grid = {1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2};
  return grid;
}

const std::vector<double>& default_c_grid() {
  static const std::vector<double> grid = {1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2};
  return grid;
}

void check_grid(const std::vector<double>& grid) {
  if (grid.empty()) throw OptionError("--c-grid is empty; give values of C, such as 1e-5,1e-4,1e-3.");
  for (const double c : grid) check_cost("c-grid", c);
}

bool ChosenC::at_edge() const { return grid_.size() > 1 && (value_ == grid_.front().c || value_ == grid_.back().c); }

std::string ChosenC::edge_warning() const {
  if (!at_edge()) return "";
  std::ostringstream text;
  text << "the best C, " << value_ << ", is the " << (value_ == grid_.front().c ? "smallest" : "largest")
       << " of the grid; widen --c-grid to be sure.";
  return text.str();
}

Convergence ChosenC::convergence() const {
  Convergence all;
  for (const GridPoint& point : grid_) all.add(point.convergence);
  return all;
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

namespace {

// "C = 0.001: 71.20% of the held-out rows are right (17 passes, 12.3 s, not converged)"
std::string describe(const SvmFit& fit, double right) {
  std::ostringstream text;
  text << "C = " << fit.c << std::fixed << std::setprecision(2) << ": " << 100 * right
       << "% of the held-out rows are right (";
  if (fit.passes > 0) text << fit.passes << (fit.passes == 1 ? " pass, " : " passes, ");
  text << std::setprecision(1) << fit.seconds << (fit.converged ? " s)" : " s, not converged)");
  return text.str();
}

}  // namespace

SvmOptions for_validation(SvmOptions options) {
  options.tolerance = std::max(options.tolerance, std::min(10 * options.tolerance, 1e-3));
  return options;
}

std::vector<Trial> trials_of(const TrainingSet& set, const std::vector<RowSplit>& splits) {
  std::vector<Trial> trials;
  for (const RowSplit& split : splits) {
    trials.push_back({subset(set, split.training), subset(set, split.validation), ""});
  }
  return trials;
}

ChosenC choose_c(const std::vector<Trial>& trials, std::vector<double> grid, const SvmOptions& options,
                 const SolverResources& resources) {
  check_grid(grid);
  std::sort(grid.begin(), grid.end());
  grid.erase(std::unique(grid.begin(), grid.end()), grid.end());
  std::vector<GridPoint> points;
  points.reserve(grid.size());
  for (const double c : grid) points.push_back({c, 0, 0, {}});
  for (const auto& [training, validation, name] : trials) {
    const std::unique_ptr<SvmSolver> solver = make_solver(training, for_validation(options), resources);
    for (GridPoint& point : points) {
      const SvmFit fit = solver->fit(point.c);
      if (resources.on_fit) resources.on_fit();
      const double right =
          accuracy(predict(fit.model, validation.features, validation.rows, resources.threads), validation.labels);
      point.accuracy += right / static_cast<double>(trials.size());
      point.fits += 1;
      point.convergence.add(fit);
      if (resources.log && name.empty()) resources.log(describe(fit, right));
    }
    if (resources.log && !name.empty()) resources.log(name);
  }
  return best_of(std::move(points));
}

}  // namespace dcgan::eval
