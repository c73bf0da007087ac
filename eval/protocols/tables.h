#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dcgan/options.h"
#include "eval/protocols/protocol.h"

namespace dcgan::eval {

enum class TableFormat { kText, kMarkdown, kCsv, kJson };

/// A row of the paper, or of other publications about the same experiment.
struct PublishedRow {
  std::string model;
  std::vector<std::string> values;  ///< one for each column of figures, as printed there; empty: not given
  std::string note;
};

/// A row of ours.
struct MeasuredRow {
  std::string model;
  std::string model_sha256;             ///< of the model file; empty for baselines without one
  int64_t features = 0;                 ///< D
  std::vector<ProtocolResult> results;  ///< one for each column of figures; training_rows 0: not run
  std::vector<std::string> notes;
};

struct ResultTable {
  std::string title;
  std::string source;                ///< of the published rows
  std::vector<std::string> columns;  ///< of figures
  bool errors = false;               ///< figures are errors rather than accuracies
  std::vector<PublishedRow> published;
  std::vector<MeasuredRow> measured;
  uint64_t seed = 0;
};

/// Table 1 of Radford, Metz, Chintala 2016 (arXiv:1511.06434): CIFAR-10, accuracy.
ResultTable cifar10_table();
/// Table 2: SVHN with 1,000 labels, error; and later figures for the same protocol.
ResultTable svhn_table();

/// Our figures of another number of labels than the published ones get a column of their own, behind those there are.
/// @param column  of the published figures
/// @return the place of the figures in a row
size_t column_for(ResultTable& table, size_t column, const std::string& published, const std::string& ours);

/// The table, followed by what stands behind each figure of ours: n, C, spread, confidence interval, hashes, notes. A
/// single fit has no spread (null in JSON, empty in CSV), but the binomial interval of its test rows.
std::string render(const ResultTable& table, TableFormat format);

}  // namespace dcgan::eval

namespace dcgan {

template <>
struct EnumNames<eval::TableFormat> {
  static constexpr std::array<std::string_view, 4> kNames = {"text", "markdown", "csv", "json"};
};

}  // namespace dcgan
