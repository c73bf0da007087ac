#include "eval/svm/convergence.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace dcgan::eval {

void Convergence::add(const SvmFit& fit) {
  fits_ += 1;
  if (fit.converged) return;
  gave_up_ += 1;
  has_dual_ = fit.has_dual;
  largest_gap_ = std::max(largest_gap_, std::abs(fit.gap));
}

void Convergence::add(const Convergence& others) {
  fits_ += others.fits_;
  gave_up_ += others.gave_up_;
  has_dual_ = has_dual_ || others.has_dual_;
  largest_gap_ = std::max(largest_gap_, others.largest_gap_);
}

std::string Convergence::warning() const {
  if (reached()) return "";
  std::ostringstream text;
  text.precision(2);
  if (fits_ == 1) {
    text << "the fit did not converge";
  } else {
    text << gave_up_ << " of " << fits_ << " fits did not converge";
  }
  if (has_dual_) {
    text << " (gap " << (gave_up_ == 1 ? "" : "up to ") << largest_gap_ << "); raise --max-passes, or --tolerance.";
  } else {
    text << " within LIBLINEAR's limit of iterations; scale the features, or take --solver dense.";
  }
  return text.str();
}

}  // namespace dcgan::eval
