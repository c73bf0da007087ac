#pragma once

#include <cstdint>
#include <vector>

namespace dcgan::eval {

/// Which classes rows were taken for, by one machine or by several together.
class Confusion {
 public:
  Confusion() = default;
  explicit Confusion(int64_t classes) : classes_(classes), counts_(classes * classes) {}

  /// @param predicted, labels  [N] 0 to K - 1
  void add(const std::vector<int32_t>& predicted, const std::vector<int32_t>& labels);

  int64_t classes() const { return classes_; }  ///< K
  /// Rows of class `label` that were taken for class `taken_for`.
  int64_t count(int64_t label, int64_t taken_for) const { return counts_[label * classes_ + taken_for]; }
  int64_t rows_of(int64_t label) const;
  int64_t taken_for(int64_t taken_for) const;
  /// Of the rows of a class the share that was taken for it. NaN where it has none.
  double recall(int64_t label) const;
  /// Of the rows that were taken for a class the share that is of it. NaN where there are none.
  double precision(int64_t taken_for) const;

 private:
  int64_t classes_ = 0;
  std::vector<int64_t> counts_;  ///< [K, K]
};

/// A row that was taken for another class than its own.
struct Mistake {
  int64_t row = 0;
  int32_t label = 0, taken_for = 0;
  double lead = 0;  ///< of the score of the class that it was taken for over that of its own
};

/// The mistakes with the largest leads, largest first; of equal ones the first row.
/// @param scores  float64 [N, K], as eval::scores() gives them
std::vector<Mistake> worst_mistakes(const std::vector<double>& scores, const std::vector<int32_t>& labels,
                                    int64_t most);

/// For each row the class with the largest score; of equal ones the first.
std::vector<int32_t> best_classes(const std::vector<double>& scores, int64_t rows);

}  // namespace dcgan::eval
