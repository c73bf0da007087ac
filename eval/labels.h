#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcgan::eval {

/// Labels of rows with the names that they stand for.
struct NamedLabels {
  std::vector<std::string> classes;  ///< [K]
  std::vector<int32_t> labels;       ///< [N] 0 to K - 1
};

/// Gives labels of a file without class names the decimal numbers as names: label 3 is class "3".
NamedLabels name_by_number(const std::vector<int32_t>& labels);

/// The same labels as indices into `classes`: two files that list their classes differently agree by name, however its
/// accents are composed.
/// @throws Error naming a class that occurs in `labels` and not in `classes`.
std::vector<int32_t> match_classes(const NamedLabels& labels, const std::vector<std::string>& classes);

}  // namespace dcgan::eval
