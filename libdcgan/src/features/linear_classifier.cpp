#include "dcgan/linear_classifier.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "dcgan/errors.h"
#include "dcgan/safetensors.h"
#include "dcgan/text.h"
#include "features/fitted_file.h"

namespace dcgan {
namespace {

using features::decisive;

constexpr const char* kFormat = "dcgan-linear-classifier";

std::string list_of(const std::vector<int64_t>& values) { return nlohmann::json(values).dump(); }

int64_t columns_of(const LinearMachines& machines) {
  return static_cast<int64_t>(machines.weights.size() / machines.classes.size());
}

void check(const LinearMachines& machines) {
  const size_t classes = machines.classes.size();
  if (classes < 2) throw Error("a classifier has ", classes, " classes; it needs two or more.");
  if (machines.weights.empty() || machines.weights.size() % classes != 0 || machines.biases.size() != classes) {
    throw Error("a classifier of ", classes, " classes has ", machines.weights.size(), " weights and ",
                machines.biases.size(), " biases; it needs as many of each for every class.");
  }
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(machines.weights.begin(), machines.weights.end(), finite) ||
      !std::all_of(machines.biases.begin(), machines.biases.end(), finite)) {
    throw Error("a classifier has weights that are not finite.");
  }
}

LinearMachines read_machines(const std::string& path) {
  const features::FittedFile file(path, kFormat, "dcgan-eval svm --save");
  LinearMachines machines;
  machines.weights = file.floats("weights", 2);
  machines.biases = file.floats("biases", 1);
  machines.classes = file.value<std::vector<std::string>>("classes");
  machines.c = file.value<double>("c");
  machines.origin.model_sha256 = file.text("model_sha256");
  machines.origin.layers = file.value<std::vector<int64_t>>("layers");
  machines.origin.grid = file.value<int64_t>("grid");
  machines.origin.preprocessing = decisive(file.text("preprocessing"));
  machines.record = file.text("record");
  try {
    check(machines);
  } catch (const Error& e) {
    throw FileError(path, e.what());
  }
  if (file.rows("weights") != static_cast<int64_t>(machines.classes.size())) {
    throw FileError(path, "weights for ", file.rows("weights"), " classes, names of ", machines.classes.size(), ".");
  }
  return machines;
}

// In float32 over a piece, whose sums compilers keep in vectors; pieces in float64.
double product(const float* a, const float* b, int64_t count) {
  constexpr int64_t kPiece = 1024, kLanes = 16;
  double sum = 0;
  for (int64_t begin = 0; begin < count; begin += kPiece) {
    const int64_t end = std::min(count, begin + kPiece);
    std::array<float, kLanes> lanes{};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    }
    for (; i < end; ++i) lanes[0] += a[i] * b[i];
    sum += std::accumulate(lanes.begin(), lanes.end(), 0.0);
  }
  return sum;
}

}  // namespace

FeatureOrigin::FeatureOrigin(const FeatureExtractor& extractor)
    : model_sha256(extractor.model_sha256()),
      layers(extractor.layers()),
      grid(extractor.grid()),
      preprocessing(decisive(extractor.preprocessing())) {}

FeatureOrigin::FeatureOrigin(const FeatureFileInfo& info)
    : model_sha256(info.model_sha256),
      layers(info.layers),
      grid(info.grid),
      preprocessing(decisive(info.preprocessing)) {}

LinearClassifier::LinearClassifier(const std::string& file)
    : machines_(std::make_shared<const LinearMachines>(read_machines(file))) {}

LinearClassifier::LinearClassifier(LinearMachines machines) {
  check(machines);
  machines.origin.preprocessing = decisive(machines.origin.preprocessing);
  machines_ = std::make_shared<const LinearMachines>(std::move(machines));
}

void LinearClassifier::save(const std::string& file) const {
  const auto classes = static_cast<int64_t>(machines_->classes.size());
  SafetensorsFile content;
  content.tensors["weights"] = make_tensor({classes, feature_count()}, machines_->weights);
  content.tensors["biases"] = make_tensor({classes}, machines_->biases);
  content.metadata = {{"format", kFormat},
                      {"format_version", "1"},
                      {"classes", json_text(nlohmann::json(machines_->classes))},
                      {"c", nlohmann::json(machines_->c).dump()},
                      {"model_sha256", machines_->origin.model_sha256},
                      {"layers", list_of(machines_->origin.layers)},
                      {"grid", std::to_string(machines_->origin.grid)},
                      {"preprocessing", machines_->origin.preprocessing},
                      {"record", machines_->record}};
  write_safetensors(file, content);
}

int64_t LinearClassifier::feature_count() const { return columns_of(*machines_); }

FeatureOptions LinearClassifier::feature_options() const {
  FeatureOptions options;
  options.layers = machines_->origin.layers;
  options.grid = machines_->origin.grid;
  const auto preprocessing = nlohmann::json::parse(machines_->origin.preprocessing, nullptr, false);
  const auto name = [](const nlohmann::json& object, const char* key) {
    return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
  };
  if (preprocessing.is_object() && preprocessing.contains("resize")) {
    options.resize_is_chosen = from_name(name(preprocessing["resize"], "resize"), options.resize);
  }
  from_name(name(preprocessing, "precision"), options.precision);
  return options;
}

void LinearClassifier::require(const FeatureOrigin& origin, int64_t feature_count, const std::string& rows) const {
  const FeatureOrigin& own = machines_->origin;
  const auto differ = [&](const std::string& what, const std::string& found, const std::string& expected) {
    throw Error(ErrorCode::kWrongArgument, rows, ": ", what, " is ", found, ", expected ", expected,
                " as the classifier was fitted to.");
  };
  const bool known = !own.model_sha256.empty() && !origin.model_sha256.empty();
  if (known && origin.model_sha256 != own.model_sha256) differ("the model", origin.model_sha256, own.model_sha256);
  if (known && origin.layers != own.layers) differ("the list of layers", list_of(origin.layers), list_of(own.layers));
  if (known && origin.grid != own.grid) differ("the grid", std::to_string(origin.grid), std::to_string(own.grid));
  const std::string preprocessing = decisive(origin.preprocessing);
  if (known && preprocessing != own.preprocessing) differ("the preprocessing", preprocessing, own.preprocessing);
  if (feature_count != this->feature_count()) {
    differ("the number of features", std::to_string(feature_count), std::to_string(this->feature_count()));
  }
}

void LinearClassifier::require(const FeatureExtractor& extractor) const {
  require(FeatureOrigin(extractor), extractor.feature_count(), "the extractor");
}

void LinearClassifier::score(const float* features, int64_t count, double* scores) const {
  const int64_t columns = feature_count();
  for (int64_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < machines_->classes.size(); ++k) {
      const float* const weights = machines_->weights.data() + static_cast<int64_t>(k) * columns;
      *scores++ = double{machines_->biases[k]} + product(weights, features + i * columns, columns);
    }
  }
}

std::vector<ClassScore> LinearClassifier::best(const float* features, int64_t count) const {
  std::vector<double> scores(machines_->classes.size());
  score(features, 1, scores.data());
  std::vector<ClassScore> ranked;
  for (size_t k = 0; k < scores.size(); ++k) ranked.push_back({static_cast<int64_t>(k), scores[k]});
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const ClassScore& a, const ClassScore& b) { return a.score > b.score; });
  ranked.resize(std::clamp<int64_t>(count, 0, static_cast<int64_t>(ranked.size())));
  return ranked;
}

}  // namespace dcgan
