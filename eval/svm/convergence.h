#pragma once

#include <cstdint>
#include <string>

#include "eval/svm/solver.h"

namespace dcgan::eval {

/// How many of some fits gave up before they were done: no figure of theirs is shown without saying so.
class Convergence {
 public:
  void add(const SvmFit& fit);
  void add(const Convergence& others);

  bool reached() const { return gave_up_ == 0; }
  /// "2 of 10 fits did not converge (gap up to 0.31); raise --max-passes, or --tolerance.", empty if all did.
  std::string warning() const;

 private:
  int64_t fits_ = 0, gave_up_ = 0;
  bool has_dual_ = false;  // those that gave up are the dense solver's, which knows its gap
  double largest_gap_ = 0;
};

}  // namespace dcgan::eval
