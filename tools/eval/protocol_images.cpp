#include "tools/eval/image_features.h"

#include <algorithm>

#include "data/image_pipeline.h"
#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/seeds.h"
#include "dcgan/train_library.h"
#include "eval/features/feature_matrix.h"
#include "tools/cli/failure_log.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/eval/labelled_rows.h"

namespace dcgan::eval_tool {
namespace {

int64_t image_bytes(const ImageBatch& batch) { return batch.height * batch.width * 3; }

std::unique_ptr<eval::FeatureMatrix> extract(FeatureExtractor& extractor, const LoadedImages& images,
                                             const ProtocolModel& model, const std::string& what) {
  cli::Progress progress(what, images.batch.count(), model);
  return eval::feature_matrix(extractor, images.batch, [&](int64_t done) {
    cli::stop_if_interrupted();
    progress.update(done);
  });
}

FeatureOptions options_of(const ProtocolModel& model) {
  FeatureOptions options;
  options.layers = model.layers;
  options.threads = model.threads;
  options.device = model.device;
  return options;
}

FeaturePair features_of(FeatureExtractor& extractor, const ProtocolModel& model, const LoadedImages& training,
                        const LoadedImages& test) {
  if (!model.own_statistics) {
    const std::vector<int64_t> order = shuffled_indices(training.batch.count(), derive_seed(model.seed, "statistics"));
    size_t next = 0;
    extractor.infer_statistics(
        [&](uint8_t* pixels, int64_t capacity) {
          int64_t count = 0;
          const int64_t bytes = image_bytes(training.batch);
          for (; count < capacity && next < order.size(); ++count) {
            std::copy_n(training.batch.pixels.data() + order[next++] * bytes, bytes, pixels + count * bytes);
          }
          return count;
        },
        "the training images of the protocol");
  }
  FeaturePair pair;
  pair.training = extract(extractor, training, model, "training features");
  pair.test = extract(extractor, test, model, "test features");
  pair.model_sha256 = extractor.model_sha256();
  pair.layers = extractor.layers();
  return pair;
}

}  // namespace

LoadedImages LoadedImages::at(const std::vector<int64_t>& indices) const {
  LoadedImages part;
  part.classes = classes;
  part.batch.height = batch.height;
  part.batch.width = batch.width;
  for (const int64_t i : indices) {
    const auto pixels = batch.pixels.begin() + i * image_bytes(batch);
    part.batch.pixels.insert(part.batch.pixels.end(), pixels, pixels + image_bytes(batch));
    part.batch.paths.push_back(batch.paths[i]);
    part.batch.labels.push_back(batch.labels[i]);
    if (!groups.empty()) part.groups.push_back(groups[i]);
  }
  return part;
}

LoadedImages load_images(const data::ImageSource& source, int64_t size, const cli::CommonOptions& common) {
  data::ImagePipeline pipeline(source, data::ResizeOptions{size}, {common.threads});
  LoadedImages images;
  images.classes = source.classes();
  images.batch.height = images.batch.width = size;
  images.batch.pixels.reserve(source.count() * size * size * 3);
  cli::FailureLog failures;
  cli::Progress progress("images", source.count(), common);
  for (data::DecodedBlock block; pipeline.next(block);) {
    cli::stop_if_interrupted();
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(images.batch.pixels, block.images.pixels);
    append(images.batch.paths, block.images.paths);
    append(images.batch.labels, block.images.labels);
    for (const Failure& failure : block.failures) failures.add(failure);
    progress.update(block.first + block.inputs);
  }
  failures.finish("");
  images.failures = failures.count();
  return images;
}

FeaturePair network_features(const ProtocolModel& model, const LoadedImages& training, const LoadedImages& test) {
  FeatureExtractor extractor(model.path, options_of(model));
  return features_of(extractor, model, training, test);
}

FeaturePair pixel_features(const LoadedImages& training, const LoadedImages& test) {
  const auto matrix_of = [](const LoadedImages& images) {
    const int64_t columns = image_bytes(images.batch);
    auto matrix = std::make_unique<eval::FeatureMatrix>(images.batch.count(), columns);
    for (int64_t i = 0; i < matrix->rows(); ++i) {
      const uint8_t* pixels = images.batch.pixels.data() + i * columns;
      std::transform(pixels, pixels + columns, matrix->row(i), scaled_pixel);
    }
    return matrix;
  };
  FeaturePair pair;
  pair.training = matrix_of(training);
  pair.test = matrix_of(test);
  return pair;
}

FeaturePair kmeans_features(const eval::KmeansOptions& options, const ProtocolModel& model,
                            const LoadedImages& training, const LoadedImages& test) {
  std::unique_ptr<cli::Progress> progress;
  std::string shown;
  eval::KmeansResources resources;
  resources.threads = model.threads;
  resources.on_progress = [&](const std::string& what, int64_t done, int64_t total) {
    cli::stop_if_interrupted();
    if (what != shown) progress = std::make_unique<cli::Progress>(what, total, model);
    shown = what;
    progress->update(done);
  };
  const eval::KmeansDictionary dictionary =
      eval::learn_dictionary(training.batch, options, derive_seed(model.seed, "K-means"), resources);
  FeaturePair pair;
  pair.training = eval::kmeans_features(training.batch, dictionary, resources);
  pair.test = eval::kmeans_features(test.batch, dictionary, resources);
  eval::standardise(*pair.training, *pair.test);
  return pair;
}

FeaturePair untrained_features(const ProtocolModel& model, const LoadedImages& training, const LoadedImages& test) {
  const ModelFile trained = load_model(model.path);
  ProtocolModel untrained = model;
  // A partial model lacks upper convolutions, which the untrained one must not have either.
  for (int64_t i = 1; model.layers.empty() && i <= trained.convolutions; ++i) untrained.layers.push_back(i);
  untrained.own_statistics = false;  // an untrained net has none
  const TrainLibrary& library = train_library("the untrained network");
  FeatureExtractor extractor(library.initialised_model(trained.architecture, derive_seed(model.seed, "untrained")),
                             options_of(untrained));
  return features_of(extractor, untrained, training, test);
}

}  // namespace dcgan::eval_tool
