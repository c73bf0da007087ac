#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"

namespace dcgan {

/// A linear map from features to fewer numbers, as its file holds it, and what the features were that it was fitted to.
struct CompressionMap {
  int64_t dimensions = 0;            ///< k
  std::vector<float> weights;        ///< float32 [k, D]
  std::vector<float> offsets;        ///< float32 [k]; a row x becomes weights * x + offsets
  std::string model_sha256;          ///< of the model file
  std::vector<int64_t> layers;       ///< 1-based convolutions, lowest first
  int64_t grid = 4;                  ///< side that each map was max-pooled to
  std::string preprocessing = "{}";  ///< JSON, as FeatureFileInfo has it; what decides features of it is compared
  std::string record = "{}";         ///< JSON: how it was fitted
};

/// Applies what `dcgan-eval compress` makes. An object may be used from one thread at a time.
class DCGAN_EXPORT FeatureCompression {
 public:
  /// @param file     a .safetensors file: tensors `weights` and `offsets`; the rest in its metadata
  /// @param threads  0: one per core
  /// @throws FileError
  explicit FeatureCompression(const std::string& file, int64_t threads = 0);
  ~FeatureCompression();
  FeatureCompression(FeatureCompression&&) noexcept;
  FeatureCompression& operator=(FeatureCompression&&) noexcept;

  const CompressionMap& map() const;
  const std::string& sha256() const;  ///< of the file
  int64_t feature_count() const;      ///< D
  int64_t dimensions() const;         ///< k

  /// @param features  what is known of the rows: all but dimensions, weights, offsets and record
  /// @throws OptionError that names the file and the difference if they are not what it was fitted to
  void require(const CompressionMap& features, int64_t feature_count) const;

  /// @param features    float32 [count, D]
  /// @param compressed  float32 [count, k]; each row is the same whatever `count` and the threads are
  void apply(const float* features, int64_t count, float* compressed) const;

  /// Equal maps give equal bytes. @throws FileError
  static void save(const std::string& file, const CompressionMap& map);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Of a feature file's preprocessing: the hash of the compression that its rows went through; empty: of none.
DCGAN_EXPORT std::string compression_sha256(const std::string& preprocessing);

}  // namespace dcgan
