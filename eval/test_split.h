#pragma once

#include <cstdint>
#include <vector>

#include "eval/choice.h"
#include "eval/confusion.h"
#include "eval/svm/solver.h"

namespace dcgan::eval {

// C is chosen on training rows only, by construction: a TestSplit gives its rows to nobody before it is shown a
// ChosenC, it opens once, and the functions that make a ChosenC take no TestSplit.

/// How machines do on the test rows.
struct Tested {
  std::vector<double> accuracies;  ///< of each machine
  Confusion confusion;             ///< of all machines together
  std::vector<Mistake> mistakes;   ///< of a single machine, the 64 most confident ones; of several none
};

/// Rows that nobody sees before C is fixed.
class TestSplit {
 public:
  TestSplit(const RowSource& features, std::vector<int64_t> rows, std::vector<int32_t> labels)
      : set_{features, std::move(rows), std::move(labels), 0} {}
  TestSplit(const TestSplit&) = delete;
  TestSplit& operator=(const TestSplit&) = delete;

  /// Machines on the test rows, all at once, since it opens only once.
  /// @throws Error at the second call, and if a machine was fitted with another C.
  Tested open(const ChosenC& c, const std::vector<SvmFit>& fits, int64_t threads);

 private:
  TrainingSet set_;
  bool opened_ = false;
};

}  // namespace dcgan::eval
