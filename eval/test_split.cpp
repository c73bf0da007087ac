#include "eval/test_split.h"

#include "dcgan/errors.h"

namespace dcgan::eval {

Tested TestSplit::open(const ChosenC& c, const std::vector<SvmFit>& fits, int64_t threads) {
  if (opened_) throw Error("the test split was opened before; it opens once, after C is fixed.");
  opened_ = true;
  constexpr int64_t kMistakes = 64;
  Tested tested;
  if (!fits.empty()) tested.confusion = Confusion(fits.front().model.classes);
  for (const SvmFit& fit : fits) {
    if (fit.c != c.value()) throw Error("a machine was fitted with another C than the one that was chosen.");
    const std::vector<double> scores_of_rows = scores(fit.model, set_.features, set_.rows, threads);
    const std::vector<int32_t> predicted = best_classes(scores_of_rows, static_cast<int64_t>(set_.rows.size()));
    tested.accuracies.push_back(accuracy(predicted, set_.labels));
    tested.confusion.add(predicted, set_.labels);
    if (fits.size() == 1) tested.mistakes = worst_mistakes(scores_of_rows, set_.labels, kMistakes);
  }
  return tested;
}

}  // namespace dcgan::eval
