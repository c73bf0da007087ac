#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/feature_compression.h"
#include "dcgan/packed_images.h"
#include "eval/labels.h"
#include "eval/svm/rows.h"
#include "tools/shared/feature_rows.h"

namespace dcgan::eval_tool {

/// A file of labelled rows, as the commands of dcgan-eval take it: a feature file, or packed images, whose rows are
/// their pixels (the raw-pixel baseline), as the networks see them: x / 127.5 - 1, order H, W, C. Rows without a label
/// are left out.
class LabelledRows : public eval::RowSource {
 public:
  /// @throws FileError if the file cannot be used or has no labels.
  static std::unique_ptr<LabelledRows> open(const std::string& path, const std::string& features,
                                            const std::string& labels);

  const std::string& path() const { return path_; }
  const eval::NamedLabels& labels() const { return labels_; }
  int64_t left_out() const { return left_out_; }  ///< rows of the file without a label
  int64_t row_in_file(int64_t row) const { return row_of_.empty() ? row : row_of_[row]; }
  bool are_pixels() const { return packed_ != nullptr; }
  /// Of the compression that features went through; empty: of none.
  std::string compression() const { return packed_ ? "" : compression_sha256(features_->file().info().preprocessing); }
  /// Of all rows of the file.
  const std::vector<std::string>& paths() const { return packed_ ? packed_->paths() : features_->file().paths(); }
  /// How the features were made; null for pixels.
  const FeatureFileInfo* info() const { return features_ ? &features_->file().info() : nullptr; }
  std::string model_sha256() const { return features_ ? features_->file().info().model_sha256 : ""; }

  int64_t rows() const override { return static_cast<int64_t>(labels_.labels.size()); }
  int64_t columns() const override { return columns_; }
  void read(int64_t first, int64_t count, float* out, int64_t pitch) const override;

 private:
  LabelledRows() = default;
  void set_labels(const std::vector<int32_t>& labels, const std::vector<std::string>& classes,
                  const std::string& dataset);
  /// Rows of the file, as read().
  void read_rows(int64_t first, int64_t count, float* out, int64_t pitch) const;

  std::string path_;
  std::unique_ptr<tools::FeatureRows> features_;
  std::unique_ptr<PackedImageReader> packed_;
  eval::NamedLabels labels_;
  std::vector<int64_t> row_of_;  ///< row of the file that each row is; empty: all are rows
  int64_t columns_ = 0, left_out_ = 0;
};

/// Whether one can be judged by the other: warns where that says little.
/// @throws FileError where their rows do not fit together
void check_pair(const LabelledRows& train, const LabelledRows& test, bool quiet);

}  // namespace dcgan::eval_tool
