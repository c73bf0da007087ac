#pragma once

#include <string>

#include "dcgan/feature_file.h"
#include "eval/svm/rows.h"

namespace dcgan::tools {

/// The rows of a feature file, checked to be finite.
class FeatureRows : public eval::RowSource {
 public:
  explicit FeatureRows(const std::string& path, const std::string& features = "features",
                       const std::string& labels = "labels")
      : file_(path, features, labels) {}

  const FeatureFileReader& file() const { return file_; }
  int64_t rows() const override { return file_.rows(); }
  int64_t columns() const override { return file_.feature_count(); }
  void read(int64_t first, int64_t count, float* out, int64_t pitch) const override;

 private:
  std::string name_of(int64_t row) const;

  FeatureFileReader file_;
};

}  // namespace dcgan::tools
