#include "tools/train/probe.h"

#include "dcgan/feature_extractor.h"
#include "dcgan/packed_images.h"
#include "eval/features/image_features.h"
#include "eval/labels.h"
#include "eval/svm/solver.h"

namespace dcgan::train_tool {

Probe::Probe(const ProbeOptions& options, int64_t image_size, const cli::CommonOptions& common)
    : options_(options), common_(common) {
  eval::check_cost("probe-c", options.c);
  const PackedImageReader reader(options.images);
  const PackedImagesInfo& info = reader.info();
  if (info.height != image_size || info.width != image_size) {
    throw FileError(options.images, "images are ", info.width, " x ", info.height, ", the network takes ", image_size,
                    " x ", image_size, "; prepare them with --size.");
  }
  if (reader.labels().empty()) {
    throw FileError(options.images, "has no labels; --probe needs them. Class folders give labels to dcgan-prepare.");
  }
  require_option(options.count >= 1, "probe-images", options.count, "positive");
  std::vector<int64_t> labelled;
  for (int64_t i = 0; i < reader.count(); ++i) {
    if (reader.info().classes.empty() || reader.labels()[i] >= 0) labelled.push_back(i);
  }
  const auto available = static_cast<int64_t>(labelled.size());
  const int64_t count = std::min(options.count, available);
  const int64_t row = info.height * info.width * 3;
  images_.height = images_.width = image_size;
  images_.pixels.resize(count * row);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t from = labelled[i * available / count];
    reader.read(from, 1, images_.pixels.data() + i * row);
    images_.paths.push_back(reader.paths()[from]);
    images_.labels.push_back(reader.labels()[from]);
  }
  const eval::NamedLabels numbered = eval::name_by_number(images_.labels);  // those of the images that are used
  images_.labels = numbered.labels;
  classes_ = static_cast<int64_t>(numbered.classes.size());
  if (classes_ < 2) {
    throw FileError(options.images, "the ", count,
                    " images that --probe takes are all of one class; it needs two or more.");
  }
  eval::ValidationOptions halves;
  halves.held_out = 0.5;
  try {
    split_ = eval::validation_splits(images_.labels, {}, halves, common.seed).front();
  } catch (const Error& e) {
    throw FileError(options.images, "cannot be taken for --probe: ", e.what());
  }
}

std::optional<double> Probe::accuracy(const std::string& model_file) const {
  FeatureOptions options;
  options.threads = common_.threads;
  options.device = common_.device;
  FeatureExtractor extractor(model_file, options);
  const std::unique_ptr<eval::FeatureMatrix> features = eval::feature_matrix(extractor, images_);
  const eval::TrainingSet all = {*features, eval::all_rows(images_.count()), images_.labels, classes_};
  const eval::TrainingSet held_out = eval::subset(all, split_.validation);
  eval::SvmOptions svm;
  svm.tolerance = 1e-3;
  eval::SolverResources resources;
  resources.threads = common_.threads;
  resources.seed = common_.seed;
  const eval::SvmFit fit = eval::make_solver(eval::subset(all, split_.training), svm, resources)->fit(options_.c);
  if (!fit.converged) return std::nullopt;
  return eval::accuracy(eval::predict(fit.model, *features, held_out.rows, common_.threads), held_out.labels);
}

}  // namespace dcgan::train_tool
