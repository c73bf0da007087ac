#include "data/class_counts.h"

#include <algorithm>

#include "dcgan/errors.h"

namespace dcgan::data {

std::string ClassCounts::text() const {
  constexpr size_t kShown = 10;
  if (classes.empty()) return "classes: none";
  std::string text = "classes: ";
  if (classes.size() > kShown) text = text_of(classes.size(), " ", text);
  for (size_t k = 0; k < std::min(kShown, classes.size()); ++k) {
    text += text_of(k == 0 ? "" : ", ", classes[k], " ", counts[k]);
  }
  if (classes.size() > kShown) text += ", ...";
  if (unlabelled > 0) text += text_of("; ", unlabelled, " without a label");
  return text;
}

}  // namespace dcgan::data
