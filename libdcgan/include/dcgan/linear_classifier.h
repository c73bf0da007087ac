#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/feature_file.h"

namespace dcgan {

/// What decides what a column of features means: rows of another origin are not to be mixed.
struct DCGAN_EXPORT FeatureOrigin {
  std::string model_sha256;          ///< empty: not known, as of files of other programs
  std::vector<int64_t> layers;       ///< 1-based convolutions, lowest first
  int64_t grid = 4;                  ///< side that each map was max-pooled to
  std::string preprocessing = "{}";  ///< JSON; see FeatureExtractor::preprocessing()

  FeatureOrigin() = default;
  explicit FeatureOrigin(const FeatureExtractor& extractor);
  explicit FeatureOrigin(const FeatureFileInfo& info);
};

/// A linear machine for each class, as its file holds it.
struct LinearMachines {
  std::vector<std::string> classes;  ///< [K], two or more
  std::vector<float> weights;        ///< float32 [K, D]
  std::vector<float> biases;         ///< float32 [K]
  double c = 0;                      ///< weight of the losses against the penalty
  FeatureOrigin origin;
  std::string record = "{}";  ///< JSON: how they were fitted
};

struct ClassScore {
  int64_t number;  ///< into classes()
  double score;
};

/// Classes and scores of rows of features: what `dcgan-eval svm --save` makes. An object may be used from many threads.
class DCGAN_EXPORT LinearClassifier {
 public:
  /// @param file  a .safetensors file: tensors `weights` [K, D] and `biases` [K]; the rest in its metadata
  /// @throws FileError
  explicit LinearClassifier(const std::string& file);
  /// @throws Error unless sizes fit and values are finite
  explicit LinearClassifier(LinearMachines machines);

  /// Equal machines give equal bytes.
  /// @throws FileError
  void save(const std::string& file) const;

  const LinearMachines& machines() const { return *machines_; }
  const std::vector<std::string>& classes() const { return machines_->classes; }  ///< [K]
  int64_t feature_count() const;                                                  ///< D
  /// Those that give an extractor of the model the right features: layers, grid, resize and precision. Of a
  /// compression only the hash is known: its file is for the caller to name.
  FeatureOptions feature_options() const;

  /// @param rows  where they are from, for the message
  /// @throws Error, kWrongArgument, if rows of this origin are not what the machines were fitted to; it names the
  /// difference. A model that is not known passes.
  void require(const FeatureOrigin& origin, int64_t feature_count, const std::string& rows) const;
  void require(const FeatureExtractor& extractor) const;

  /// @param features  float32 [count, D]
  /// @param scores    float64 [count, K]: weights * features + bias
  void score(const float* features, int64_t count, double* scores) const;
  /// The `count` best classes of one row, best first; of equal scores the first class wins.
  std::vector<ClassScore> best(const float* features, int64_t count = 1) const;

 private:
  std::shared_ptr<const LinearMachines> machines_;
};

}  // namespace dcgan
