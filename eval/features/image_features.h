#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/feature_extractor.h"
#include "dcgan/images.h"
#include "dcgan/model_file.h"
#include "eval/baselines/kmeans.h"
#include "eval/svm/rows.h"

namespace dcgan::eval {

/// A pixel as the raw-pixel baseline and the networks see it: 0 to 255 becomes -1 to 1.
inline float scaled_pixel(uint8_t pixel) { return static_cast<float>(pixel) / 127.5f - 1; }

/// Features of images in memory, a row each.
/// @param on_block  called with the number of rows done after each block; may be empty, may throw to stop
/// @throws dcgan::Error unless the images have the size that the model takes.
std::unique_ptr<FeatureMatrix> feature_matrix(FeatureExtractor& extractor, const ImageBatch& images,
                                              const std::function<void(int64_t done)>& on_block = nullptr);

/// The images of a protocol, of one size. What is learned or inferred is of the training images.
struct ImagePair {
  const ImageBatch &training, &test;
};

/// Features of both, and what made them.
struct FeaturePair {
  std::unique_ptr<FeatureMatrix> training, test;
  std::string model_sha256{};     ///< empty: no model file
  std::vector<int64_t> layers{};  ///< of the network
};

struct FeatureResources {
  FeatureOptions network;  ///< layers, threads, device
  uint64_t seed = 0;
  /// What is being done, and how much of it; may be empty; may throw to stop.
  std::function<void(const std::string& what, int64_t done, int64_t total)> on_progress;
};

/// The pixels themselves, scaled.
FeaturePair pixel_features(const ImagePair& images);

/// By K-means on patches, without labels; standardised.
FeaturePair kmeans_features(const ImagePair& images, const KmeansOptions& options, const FeatureResources& resources);

/// By a discriminator, with its own batch-norm statistics or with those of the training images, which are inferred by
/// the authors' rule in the order of dcgan-extract --statistics-from.
FeaturePair network_features(const ImagePair& images, const ModelFile& model, bool own_statistics,
                             const FeatureResources& resources);

/// By the architecture of a model as it is before training; same layers, statistics of the training images.
/// @throws NoTrainLibrary
FeaturePair untrained_features(const ImagePair& images, const ModelFile& model, const FeatureResources& resources);

}  // namespace dcgan::eval
