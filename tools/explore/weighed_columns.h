#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dcgan/resize.h"

namespace dcgan::explore_tool {

/// Which columns of features a classifier is asked for.
struct WeighedOptions {
  std::string svm;
  std::string of_class;
  int64_t heaviest = 8;
};

template <class Visitor>
void describe(WeighedOptions& o, Visitor&& f) {
  f(o.svm, "svm",
    "instead of the strongest maps those of the columns that a class weighs most: a file of dcgan-eval svm --save");
  f(o.of_class, "class", "of --svm, the class whose largest weights are listed");
  f(o.heaviest, "heaviest", "of --svm, columns that are listed");
}

/// A column of the feature vector that is looked up.
struct AskedColumn {
  int64_t column = 0;
  std::optional<double> weight;  ///< of a classifier
};

/// Columns, and the features that they are of.
struct AskedColumns {
  std::string model;                        ///< file
  std::vector<int64_t> layers;              ///< from 1; empty: all
  int64_t grid = 4;                         // arXiv:1511.06434, section 5.1
  std::optional<ResizeFilter> resize = {};  ///< of their images; nothing: what the model records
  std::vector<AskedColumn> columns;
};

/// The columns with the largest weights of a class, heaviest first.
/// @param model  what --model names; empty: the one that ships and that the classifier was fitted to
/// @throws OptionError for a class that is not there, FileError where the classifier was fitted to features of another
/// model, or to features that were made in another way
AskedColumns weighed_columns(const std::string& model, const WeighedOptions& options, int64_t threads);

}  // namespace dcgan::explore_tool
