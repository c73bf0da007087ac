#include "eval/labels.h"

#include <algorithm>

#include "dcgan/errors.h"
#include "dcgan/text.h"

namespace dcgan::eval {

NamedLabels name_by_number(const std::vector<int32_t>& labels) {
  std::vector<int32_t> values = labels;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  NamedLabels named;
  for (const int32_t value : values) named.classes.push_back(std::to_string(value));
  for (const int32_t label : labels) {
    named.labels.push_back(
        static_cast<int32_t>(std::lower_bound(values.begin(), values.end(), label) - values.begin()));
  }
  return named;
}

std::vector<int32_t> match_classes(const NamedLabels& labels, const std::vector<std::string>& classes) {
  std::vector<int32_t> index_of;
  std::vector<std::string> known;
  for (const std::string& name : classes) known.push_back(composed(name));
  for (const std::string& name : labels.classes) {
    const auto found = std::find(known.begin(), known.end(), composed(name));
    index_of.push_back(found == known.end() ? -1 : static_cast<int32_t>(found - known.begin()));
  }
  std::vector<int32_t> matched;
  for (const int32_t label : labels.labels) {
    const int32_t index = index_of.at(label);
    if (index < 0) {
      std::string names;
      for (const std::string& name : classes) names += (names.empty() ? "" : ", ") + name;
      throw Error("class \"", labels.classes[label], "\" does not occur in the training set, which has ", names,
                  "; the files do not belong together.");
    }
    matched.push_back(index);
  }
  return matched;
}

}  // namespace dcgan::eval
