#include "eval/protocols/protocol.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/seeds.h"

namespace dcgan::eval {
namespace {

TrainingSet training_set(const LabelledFeatures& set, std::vector<int64_t> rows) {
  TrainingSet result{set.features, std::move(rows), {}, static_cast<int64_t>(set.classes.size())};
  for (const int64_t row : result.rows) result.labels.push_back(set.labels[row]);
  return result;
}

void log(const ProtocolResources& resources, const std::string& line) {
  if (resources.solver.log) resources.solver.log(line);
}

std::string percent(double share) {
  std::ostringstream text;
  text.setf(std::ios::fixed);
  text.precision(2);
  text << 100 * share << "%";
  return text.str();
}

// What is to be said of the choice of C and of the machines.
void describe_fits(const ChosenC& c, const std::vector<SvmFit>& fits, ProtocolResult& result) {
  result.c = c.value();
  result.grid = c.grid();
  result.edge_warning = c.edge_warning();
  Convergence machines;
  for (const SvmFit& fit : fits) machines.add(fit);
  result.converged = machines.reached() && c.convergence().reached();
  if (!machines.reached()) result.notes.push_back("not converged: " + machines.warning());
  if (!c.convergence().reached())
    result.notes.push_back("C was chosen without convergence: " + c.convergence().warning());
}

void take(Tested tested, ProtocolResult& result) {
  result.accuracy = spread_of(tested.accuracies);
  result.confusion = std::move(tested.confusion);
  result.mistakes = std::move(tested.mistakes);
}

// Rows that are set apart: random ones, or all rows of random groups, until there are enough in all and of each class.
RowSplit set_apart(const LabelledFeatures& set, int64_t count, uint64_t seed) {
  const int64_t n = static_cast<int64_t>(set.labels.size());
  std::vector<bool> apart(set.labels.size());
  std::vector<std::vector<int64_t>> groups;  // of a row each where there are none
  if (set.groups.empty()) {
    for (int64_t i = 0; i < n; ++i) groups.push_back({i});
  } else {
    std::map<int64_t, std::vector<int64_t>> rows_of;
    for (int64_t i = 0; i < n; ++i) rows_of[set.groups[i]].push_back(i);
    for (auto& group : rows_of) groups.push_back(std::move(group.second));
  }
  int64_t done = 0;
  std::vector<int64_t> missing(set.classes.size(), DrawOptions::kLeastValidation);
  for (const int64_t g : shuffled_indices(static_cast<int64_t>(groups.size()), seed)) {
    const std::vector<int64_t>& rows = groups[g];
    const auto is_missing = [&](int64_t row) { return missing[set.labels[row]] > 0; };
    if (done >= count && std::none_of(rows.begin(), rows.end(), is_missing)) continue;
    for (const int64_t row : rows) {
      apart[row] = true;
      ++done;
      --missing[set.labels[row]];
    }
  }
  RowSplit split;
  for (int64_t i = 0; i < n; ++i) (apart[i] ? split.validation : split.training).push_back(i);
  return split;
}

// The rows of each class.
std::vector<std::vector<int64_t>> rows_by_class(const LabelledFeatures& set, const std::vector<int64_t>& chosen) {
  std::vector<std::vector<int64_t>> rows(set.classes.size());
  for (const int64_t row : chosen) rows[set.labels[row]].push_back(row);
  return rows;
}

// Of the class that has the fewest.
void require_rows(const LabelledFeatures& set, const RowSplit& split, int64_t per_class) {
  const auto pool = rows_by_class(set, split.training), validation = rows_by_class(set, split.validation);
  const auto fewer = [](const auto& a, const auto& b) { return a.size() < b.size(); };
  const auto smallest = static_cast<size_t>(std::min_element(pool.begin(), pool.end(), fewer) - pool.begin());
  const auto largest_that_fits = static_cast<int64_t>(pool[smallest].size());
  if (largest_that_fits >= per_class) return;
  const std::string counts = text_of("class \"", set.classes[smallest], "\" has ", largest_that_fits,
                                     " examples to draw from, beside ", validation[smallest].size(), " that choose C");
  if (largest_that_fits == 0) {
    throw Error(counts, "; that needs more than ", DrawOptions::kLeastValidation, " of each class: give more images.");
  }
  throw OptionError("--per-class is ", per_class, "; ", counts, ": --per-class ", largest_that_fits,
                    " is the largest that fits.");
}

std::vector<int64_t> draw(const std::vector<std::vector<int64_t>>& by_class, int64_t per_class, uint64_t seed) {
  std::vector<int64_t> rows;
  for (size_t k = 0; k < by_class.size(); ++k) {
    const std::vector<int64_t> order =
        shuffled_indices(static_cast<int64_t>(by_class[k].size()), derive_seed(seed, "class", k));
    for (int64_t i = 0; i < per_class; ++i) rows.push_back(by_class[k][order[i]]);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

void check_sets(const LabelledFeatures& training, const ClosedTest& test) {
  if (training.classes != test.classes) throw Error("training and test set have different classes.");
  if (training.features.columns() != test.columns) {
    throw Error("training and test set have ", training.features.columns(), " and ", test.columns, " features.");
  }
}

}  // namespace

std::string split_hash(const LabelledFeatures& set, const std::vector<int64_t>& rows) {
  uint64_t hash = derive_seed(rows.size(), "split");
  for (const int64_t row : rows) hash = derive_seed(hash, set.names[row]);
  std::ostringstream text;
  text.width(16);
  text.fill('0');
  text << std::hex << hash;
  return text.str();
}

ClosedTest::ClosedTest(const LabelledFeatures& set)
    : split(set.features, all_rows(set.features.rows()), set.labels),
      rows(set.features.rows()),
      columns(set.features.columns()),
      classes(set.classes),
      hash(split_hash(set, all_rows(rows))) {}

ProtocolResult all_labels(const LabelledFeatures& training, ClosedTest&& test, const ValidationOptions& validation,
                          const ProtocolResources& resources) {
  check_sets(training, test);
  const TrainingSet all = training_set(training, all_rows(training.features.rows()));
  const std::vector<RowSplit> splits =
      validation_splits(training.labels, training.groups, validation, resources.solver.seed);
  const ChosenC c = choose_c(trials_of(all, splits), resources.grid, resources.svm, resources.solver);
  std::vector<SvmFit> fits;
  fits.push_back(make_solver(all, resources.svm, resources.solver)->fit(c.value()));
  if (resources.solver.on_fit) resources.solver.on_fit();
  ProtocolResult result;
  take(test.split.open(c, fits, resources.solver.threads), result);
  describe_fits(c, fits, result);
  result.training_rows = training.features.rows();
  result.validation_rows = static_cast<int64_t>(splits.front().validation.size());
  result.test_rows = test.rows;
  result.training_hash = split_hash(training, all.rows);
  result.validation_hash = split_hash(training, splits.front().validation);
  result.test_hash = test.hash;
  return result;
}

int64_t fits_of(const ValidationOptions& validation, const std::vector<double>& grid) {
  return std::max<int64_t>(validation.folds, 1) * static_cast<int64_t>(grid.size()) + 1;
}

int64_t fits_of(const DrawOptions& draws, const std::vector<double>& grid) {
  return draws.selection_draws * static_cast<int64_t>(grid.size()) + draws.final_draws;
}

void check(const DrawOptions& options) {
  const auto positive = [](const char* flag, int64_t value) { require_option(value >= 1, flag, value, "positive"); };
  positive("per-class", options.per_class);
  positive("selection-draws", options.selection_draws);
  positive("draws", options.final_draws);
  positive("validation", options.validation_rows);
}

namespace {

// What draws are taken from, and the validation rows.
struct Pool {
  RowSplit split;
  std::vector<std::vector<int64_t>> by_class;
  std::vector<std::string> notes;
};

Pool set_up_pool(const LabelledFeatures& training, const DrawOptions& options, uint64_t seed) {
  Pool pool;
  const auto n = static_cast<int64_t>(training.labels.size());
  int64_t validation_rows = options.validation_rows;
  if (options.published_rows > 0 && n < options.published_rows) {
    const int64_t in_proportion =
        std::llround(static_cast<double>(n) * static_cast<double>(DrawOptions::kPublishedValidation) /
                     static_cast<double>(options.published_rows));
    validation_rows = std::clamp<int64_t>(in_proportion, 1, validation_rows);
    pool.notes.push_back(text_of("training set of ", n, " instead of ", options.published_rows, ": ", validation_rows,
                                 " validation rows, in proportion, or 10 of each class"));
  }
  if (validation_rows >= n) {
    throw OptionError("--validation is ", validation_rows, "; of ", n,
                      " training rows some must be left to draw from.");
  }
  pool.split = set_apart(training, validation_rows, derive_seed(seed, "validation"));
  require_rows(training, pool.split, options.per_class);
  pool.by_class = rows_by_class(training, pool.split.training);
  return pool;
}

}  // namespace

DrawnRows draw_rows(const LabelledFeatures& training, const DrawOptions& options, uint64_t seed) {
  check(options);
  Pool pool = set_up_pool(training, options, seed);
  DrawnRows drawn;
  drawn.pool_rows = static_cast<int64_t>(pool.split.training.size());
  drawn.rows.training = draw(pool.by_class, options.per_class, derive_seed(seed, "supervised draw"));
  drawn.rows.validation = std::move(pool.split.validation);
  drawn.notes = std::move(pool.notes);
  return drawn;
}

ProtocolResult few_labels(const LabelledFeatures& training, ClosedTest&& test, const DrawOptions& options,
                          const ProtocolResources& resources) {
  check(options);
  check_sets(training, test);
  ProtocolResult result;
  const uint64_t seed = resources.solver.seed;
  const Pool pool = set_up_pool(training, options, seed);
  result.notes = pool.notes;
  const RowSplit& split = pool.split;
  const auto& by_class = pool.by_class;
  const TrainingSet validation = training_set(training, split.validation);

  std::vector<Trial> trials;
  for (int64_t d = 0; d < options.selection_draws; ++d) {
    trials.push_back({training_set(training, draw(by_class, options.per_class,
                                                  derive_seed(seed, "selection draw", static_cast<uint64_t>(d)))),
                      validation, text_of("selection draw ", d + 1, " of ", options.selection_draws)});
  }
  const ChosenC c = choose_c(trials, resources.grid, resources.svm, resources.solver);

  std::vector<SvmFit> fits;
  std::vector<std::vector<int64_t>> draws;
  for (int64_t d = 0; d < options.final_draws; ++d) {
    draws.push_back(draw(by_class, options.per_class, derive_seed(seed, "final draw", static_cast<uint64_t>(d))));
    fits.push_back(make_solver(training_set(training, draws.back()), resources.svm, resources.solver)->fit(c.value()));
    if (resources.solver.on_fit) resources.solver.on_fit();
    log(resources, text_of("draw ", d + 1, " of ", options.final_draws));
  }
  take(test.split.open(c, fits, resources.solver.threads), result);
  describe_fits(c, fits, result);
  result.training_rows = static_cast<int64_t>(draws.front().size());
  result.pool_rows = static_cast<int64_t>(split.training.size());
  result.validation_rows = static_cast<int64_t>(split.validation.size());
  result.test_rows = test.rows;
  std::vector<int64_t> drawn;
  for (const auto& rows : draws) drawn.insert(drawn.end(), rows.begin(), rows.end());
  result.training_hash = split_hash(training, drawn);
  result.validation_hash = split_hash(training, split.validation);
  result.test_hash = test.hash;
  // The classes' own shares matter: the smallest class of a small pool is nearly the same in each draw.
  double overlap = 0;
  for (const auto& rows : by_class) {
    overlap = std::max(overlap, static_cast<double>(options.per_class) / static_cast<double>(rows.size()));
  }
  constexpr double kNoticeable = 0.1;
  if (overlap > kNoticeable) {
    result.notes.push_back("draws overlap (up to " + percent(overlap) +
                           " of a class is common to two of them): the spread over draws is too small");
  }
  return result;
}

}  // namespace dcgan::eval
