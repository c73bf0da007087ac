#include "data/class_counts.h"

#include <algorithm>

namespace dcgan::data {

std::string ClassCounts::text() const {
  constexpr size_t kShown = 10;
  if (classes.empty()) return "classes: none";
  std::string text = "classes: ";
  if (classes.size() > kShown) text = std::to_string(classes.size()) + " " + text;
  for (size_t k = 0; k < std::min(kShown, classes.size()); ++k) {
    text += (k == 0 ? "" : ", ") + classes[k] + " " + std::to_string(counts[k]);
  }
  if (classes.size() > kShown) text += ", ...";
  if (unlabelled > 0) text += "; " + std::to_string(unlabelled) + " without a label";
  return text;
}

}  // namespace dcgan::data
