#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcgan::data {

/// How many of some images each class has.
struct ClassCounts {
  std::vector<std::string> classes;  ///< [K]
  std::vector<int64_t> counts;       ///< [K]
  int64_t unlabelled = 0;            ///< images without a label, where there are classes

  explicit ClassCounts(std::vector<std::string> names = {}) : classes(std::move(names)), counts(classes.size(), 0) {}
  void add(int32_t label) { ++(label < 0 ? unlabelled : counts.at(label)); }

  /// "classes: cat 40, ship 40; 2 without a label", the first of many; "classes: none".
  std::string text() const;
};

}  // namespace dcgan::data
