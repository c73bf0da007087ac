#include "eval/confusion.h"

#include <algorithm>
#include <limits>

namespace dcgan::eval {
namespace {

double share(int64_t part, int64_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

void Confusion::add(const std::vector<int32_t>& predicted, const std::vector<int32_t>& labels) {
  for (size_t i = 0; i < labels.size(); ++i) ++counts_[labels[i] * classes_ + predicted[i]];
}

int64_t Confusion::rows_of(int64_t label) const {
  int64_t rows = 0;
  for (int64_t k = 0; k < classes_; ++k) rows += count(label, k);
  return rows;
}

int64_t Confusion::taken_for(int64_t taken_for) const {
  int64_t rows = 0;
  for (int64_t k = 0; k < classes_; ++k) rows += count(k, taken_for);
  return rows;
}

double Confusion::recall(int64_t label) const { return share(count(label, label), rows_of(label)); }

double Confusion::precision(int64_t taken_for) const {
  return share(count(taken_for, taken_for), this->taken_for(taken_for));
}

std::vector<int32_t> best_classes(const std::vector<double>& scores, int64_t rows) {
  const int64_t classes = rows == 0 ? 0 : static_cast<int64_t>(scores.size()) / rows;
  std::vector<int32_t> best;
  for (int64_t i = 0; i < rows; ++i) {
    const auto row = scores.begin() + i * classes;
    best.push_back(static_cast<int32_t>(std::max_element(row, row + classes) - row));
  }
  return best;
}

std::vector<Mistake> worst_mistakes(const std::vector<double>& scores, const std::vector<int32_t>& labels,
                                    int64_t most) {
  const auto rows = static_cast<int64_t>(labels.size());
  const std::vector<int32_t> predicted = best_classes(scores, rows);
  const int64_t classes = rows == 0 ? 0 : static_cast<int64_t>(scores.size()) / rows;
  std::vector<Mistake> mistakes;
  for (int64_t i = 0; i < rows; ++i) {
    const int32_t label = labels[i], taken_for = predicted[i];
    if (label == taken_for) continue;
    const double* row = scores.data() + i * classes;
    mistakes.push_back({i, label, taken_for, row[taken_for] - row[label]});
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.lead > b.lead; });
  mistakes.resize(std::min(mistakes.size(), static_cast<size_t>(most)));
  return mistakes;
}

}  // namespace dcgan::eval
