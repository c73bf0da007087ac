#include "eval/test_split.h"

#include "dcgan/errors.h"

namespace dcgan::eval {

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
