#include "eval/features/image_features.h"

#include <algorithm>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "dcgan/train_library.h"

namespace dcgan::eval {
namespace {

int64_t image_bytes(const ImageBatch& images) { return images.height * images.width * 3; }

// In a shuffled order, as NextImages hands them on.
void infer_statistics(FeatureExtractor& extractor, const ImageBatch& images, uint64_t seed) {
  const std::vector<int64_t> order = shuffled_indices(images.count(), derive_seed(seed, "statistics"));
  const int64_t bytes = image_bytes(images);
  size_t next = 0;
  extractor.infer_statistics(
      [&](uint8_t* pixels, int64_t capacity) {
        int64_t count = 0;
        for (; count < capacity && next < order.size(); ++count) {
          std::copy_n(images.pixels.data() + order[next++] * bytes, bytes, pixels + count * bytes);
        }
        return count;
      },
      "the training images of the protocol");
}

}  // namespace

std::unique_ptr<FeatureMatrix> feature_matrix(FeatureExtractor& extractor, const ImageBatch& images,
                                              const std::function<void(int64_t done)>& on_block) {
  if (const int64_t size = extractor.image_size(); images.height != size || images.width != size) {
    throw OptionError("images are ", images.width, " x ", images.height, "; the model takes ", size, " x ", size,
                      " pixels.");
  }
  constexpr int64_t kBlock = 64;
  const int64_t count = images.count();
  const int64_t columns = extractor.feature_count();
  auto matrix = std::make_unique<FeatureMatrix>(count, columns);
  std::vector<float> features(kBlock * columns);
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t block = std::min(kBlock, count - first);
    extractor.extract(images.pixels.data() + first * image_bytes(images), block, images.width, images.height, 0,
                      features.data());
    for (int64_t i = 0; i < block; ++i) {
      std::copy_n(features.data() + i * columns, columns, matrix->row(first + i));
    }
    if (on_block) on_block(first + block);
  }
  return matrix;
}

FeaturePair pixel_features(const ImagePair& images) {
  const auto matrix_of = [](const ImageBatch& batch) {
    const int64_t columns = image_bytes(batch);
    auto matrix = std::make_unique<FeatureMatrix>(batch.count(), columns);
    for (int64_t i = 0; i < matrix->rows(); ++i) {
      const uint8_t* pixels = batch.pixels.data() + i * columns;
      std::transform(pixels, pixels + columns, matrix->row(i), scaled_pixel);
    }
    return matrix;
  };
  FeaturePair pair;
  pair.training = matrix_of(images.training);
  pair.test = matrix_of(images.test);
  return pair;
}

FeaturePair kmeans_features(const ImagePair& images, const KmeansOptions& options, const FeatureResources& resources) {
  const KmeansResources kmeans = {resources.network.threads, resources.on_progress};
  const KmeansDictionary dictionary =
      learn_dictionary(images.training, options, derive_seed(resources.seed, "K-means"), kmeans);
  FeaturePair pair{kmeans_features(images.training, dictionary, kmeans),
                   kmeans_features(images.test, dictionary, kmeans)};
  standardise(*pair.training, *pair.test);
  return pair;
}

FeaturePair network_features(const ImagePair& images, const ModelFile& model, bool own_statistics,
                             const FeatureResources& resources) {
  FeatureExtractor extractor(model, resources.network);
  if (!own_statistics) infer_statistics(extractor, images.training, resources.seed);
  const auto features_of = [&](const ImageBatch& batch, const char* what) {
    return feature_matrix(extractor, batch, [&](int64_t done) {
      if (resources.on_progress) resources.on_progress(what, done, batch.count());
    });
  };
  FeaturePair pair{features_of(images.training, "training features"), features_of(images.test, "test features")};
  pair.model_sha256 = extractor.model_sha256();
  pair.layers = extractor.layers();
  return pair;
}

FeaturePair untrained_features(const ImagePair& images, const ModelFile& model, const FeatureResources& resources) {
  const TrainLibrary& library = train_library("the untrained network");
  FeatureResources same_layers = resources;
  // A partial model lacks upper convolutions, which the untrained one must not have either.
  for (int64_t i = 1; resources.network.layers.empty() && i <= model.convolutions; ++i) {
    same_layers.network.layers.push_back(i);
  }
  const ModelFile untrained = library.initialised_model(model.architecture, derive_seed(resources.seed, "untrained"));
  return network_features(images, untrained, /*own_statistics=*/false, same_layers);
}

}  // namespace dcgan::eval
