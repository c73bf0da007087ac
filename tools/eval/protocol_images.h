#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/images.h"
#include "eval/baselines/kmeans.h"
#include "eval/svm/rows.h"
#include "tools/cli/command_line.h"

namespace dcgan::eval_tool {

/// Labelled images of one size in memory.
struct LoadedImages {
  ImageBatch batch;
  std::vector<std::string> classes;  ///< [K]
  std::vector<int64_t> groups;       ///< [N], or empty
  int64_t failures = 0;              ///< images that could not be read; named on stderr

  /// The images at the given places.
  LoadedImages at(const std::vector<int64_t>& indices) const;
};

/// The images of a protocol.
struct ProtocolImages {
  LoadedImages training, test;
  std::vector<std::string> notes;  ///< how they differ from those of the paper
};

/// All images of a source, resized by the authors' rule where they have another size.
LoadedImages load_images(const data::ImageSource& source, int64_t size, const cli::CommonOptions& common);

/// How features are made from the images of a protocol.
struct ProtocolModel : cli::CommonOptions {
  std::string path;             ///< model file
  std::vector<int64_t> layers;  ///< empty: all that the model has
  bool own_statistics = false;  ///< the model's own batch-norm statistics rather than those of the training images
};

/// Features of two sets of images, and what made them.
struct FeaturePair {
  std::unique_ptr<eval::FeatureMatrix> training, test;
  std::string model_sha256;
  std::vector<int64_t> layers;
};

/// By a discriminator; its batch-norm statistics are inferred from the training images by the authors' rule, in the
/// order of dcgan-extract --statistics-from.
FeaturePair network_features(const ProtocolModel& model, const LoadedImages& training, const LoadedImages& test);

/// The pixels themselves, x / 127.5 - 1.
FeaturePair pixel_features(const LoadedImages& training, const LoadedImages& test);

/// By K-means on patches of the training images, without labels; standardised. Of the model only the common
/// options count.
FeaturePair kmeans_features(const eval::KmeansOptions& options, const ProtocolModel& model,
                            const LoadedImages& training, const LoadedImages& test);

/// By the architecture of a model as it is before training; same layers, same rule for the statistics.
FeaturePair untrained_features(const ProtocolModel& model, const LoadedImages& training, const LoadedImages& test);

}  // namespace dcgan::eval_tool
