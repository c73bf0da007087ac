#include "dcgan/linear_classifier.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/json_value.h"
#include "dcgan/errors.h"
#include "dcgan/safetensors.h"
#include "dcgan/text.h"

namespace dcgan {
namespace {

constexpr const char* kFormat = "dcgan-linear-classifier";
constexpr const char* kFormatVersion = "1";

// What decides features: how images were found and decoded is not in it.
constexpr std::array<const char*, 5> kDecisive = {"resize", "scale", "statistics", "precision", "compression"};

std::string decisive(const std::string& preprocessing) {
  const auto all = nlohmann::json::parse(preprocessing, nullptr, false);
  nlohmann::ordered_json kept = nlohmann::ordered_json::object();
  if (all.is_object()) {
    for (const char* key : kDecisive) {
      if (all.contains(key)) kept[key] = all[key];
    }
  }
  return kept.dump();
}

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
  const SafetensorsFile file = read_safetensors(path);
  const auto text = [&](const std::string& key) {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) throw FileError(path, "its metadata lacks \"", key, "\"; expected a ", kFormat);
    return found->second;
  };
  if (const auto found = file.metadata.find("format"); found == file.metadata.end() || found->second != kFormat) {
    throw FileError(path, "format is ", found == file.metadata.end() ? "not given" : found->second, ", expected ",
                    kFormat, "; dcgan-eval svm --save makes one.");
  }
  if (text("format_version") != kFormatVersion) {
    throw FileError(path, "format version ", text("format_version"), ", this library reads version ", kFormatVersion,
                    "; take a newer one.");
  }
  const auto floats = [&](const std::string& name, size_t dimensions) {
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end() || found->second.dtype != DType::kFloat32 ||
        found->second.shape.size() != dimensions) {
      throw FileError(path, "has no float32 tensor \"", name, "\" of ", dimensions, " dimensions.");
    }
    return found->second.to_floats();
  };
  LinearMachines machines;
  machines.weights = floats("weights", 2);
  machines.biases = floats("biases", 1);
  try {
    nlohmann::json::parse(text("classes")).get_to(machines.classes);
    nlohmann::json::parse(text("c")).get_to(machines.c);
    machines.origin.model_sha256 = text("model_sha256");
    machines.origin.layers = json_value<std::vector<int64_t>>(nlohmann::json::parse(text("layers")));
    machines.origin.grid = json_value<int64_t>(nlohmann::json::parse(text("grid")));
  } catch (const FileError&) {
    throw;
  } catch (const std::exception& e) {
    throw FileError(path, "its metadata is damaged: ", e.what());
  }
  machines.origin.preprocessing = decisive(text("preprocessing"));
  machines.record = text("record");
  try {
    check(machines);
  } catch (const FileError&) {
    throw;
  } catch (const Error& e) {
    throw FileError(path, e.what());
  }
  if (file.tensors.at("weights").shape.front() != static_cast<int64_t>(machines.classes.size())) {
    throw FileError(path, "weights for ", file.tensors.at("weights").shape.front(), " classes, names of ",
                    machines.classes.size(), '.');
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
                      {"format_version", kFormatVersion},
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
    from_name(name(preprocessing["resize"], "resize"), options.resize);
  }
  from_name(name(preprocessing, "precision"), options.precision);
  return options;
}

void LinearClassifier::require(const FeatureOrigin& origin, int64_t feature_count, const std::string& rows) const {
  const FeatureOrigin& own = machines_->origin;
  const auto differ = [&](const std::string& what, const std::string& found, const std::string& expected) {
    throw Error(rows, ": ", what, " is ", found, ", expected ", expected, " as the classifier was fitted to.");
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
