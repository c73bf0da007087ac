#include "eval/splits.h"

#include <algorithm>
#include <map>

#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/seeds.h"

namespace dcgan::eval {

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
      classes[labels[i]].push_back(i);
    }
    for (const auto& [label, rows] : classes) {
      for (size_t i = 0; i < rows.size(); ++i) {
        share[rows[i]] = (static_cast<double>(i) + 0.5) / static_cast<double>(rows.size());
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
      const double s = share[i];
      (s >= low && s < high ? split.validation : split.training).push_back(i);
    }
    if (split.validation.empty() || split.training.empty()) {
      throw Error(n, " rows are too few to hold some out for choosing C; give it with --c.");
    }
    splits.push_back(std::move(split));
  }
  return splits;
}

TrainingSet subset(const TrainingSet& set, const std::vector<int64_t>& indices) {
  TrainingSet result{set.features, {}, {}, set.classes};
  for (const int64_t i : indices) {
    result.rows.push_back(set.rows.at(i));
    result.labels.push_back(set.labels[i]);
  }
  return result;
}

}  // namespace dcgan::eval
