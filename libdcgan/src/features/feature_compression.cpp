#include "dcgan/feature_compression.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/safetensors.h"
#include "features/fitted_file.h"
#include "kernels/kernels.h"
#include "models/sha256.h"
#include "parallel/thread_pool.h"

namespace dcgan {
namespace {

using features::decisive;

constexpr const char* kFormat = "dcgan-compression";

void check(const std::string& path, const CompressionMap& map) {
  const auto k = static_cast<size_t>(map.dimensions);
  if (map.dimensions < 1 || map.offsets.size() != k || map.weights.empty() || map.weights.size() % k != 0) {
    throw FileError(path, "has ", map.weights.size(), " weights and ", map.offsets.size(), " offsets for ",
                    map.dimensions, " dimensions; it needs as many of each for every one.");
  }
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(map.weights.begin(), map.weights.end(), finite) ||
      !std::all_of(map.offsets.begin(), map.offsets.end(), finite)) {
    throw FileError(path, "has values that are not finite.");
  }
}

CompressionMap read_map(const std::string& path) {
  const features::FittedFile file(path, kFormat, "dcgan-eval compress");
  CompressionMap map;
  map.weights = file.floats("weights", 2);
  map.offsets = file.floats("offsets", 1);
  map.dimensions = file.rows("weights");
  map.model_sha256 = file.text("model_sha256");
  map.layers = file.value<std::vector<int64_t>>("layers");
  map.grid = file.value<int64_t>("grid");
  map.preprocessing = file.text("preprocessing");
  map.record = file.text("record");
  check(path, map);
  return map;
}

}  // namespace

struct FeatureCompression::Impl {
  Impl(const std::string& path, int64_t threads)
      : file(path),
        map(read_map(path)),
        sha256(models::sha256_of_file(path)),
        kernels(kernels::best_kernels()),
        pool(threads) {
    columns = static_cast<int64_t>(map.weights.size()) / map.dimensions;
    const int64_t panels = (map.dimensions + kernels.panel - 1) / kernels.panel;
    packed.resize(panels * columns * kernels.panel);
    for (int64_t k = 0; k < map.dimensions; ++k) {
      float* to = packed.data() + k / kernels.panel * columns * kernels.panel + k % kernels.panel;
      for (int64_t d = 0; d < columns; ++d) to[d * kernels.panel] = map.weights[k * columns + d];
    }
  }

  std::string file;
  CompressionMap map;
  std::string sha256;
  const kernels::Kernels& kernels;
  parallel::ThreadPool pool;
  int64_t columns = 0;
  std::vector<float> packed;  ///< the weights, [panels, D, panel]
};

FeatureCompression::FeatureCompression(const std::string& file, int64_t threads)
    : impl_(std::make_unique<Impl>(file, threads)) {}
FeatureCompression::~FeatureCompression() = default;
FeatureCompression::FeatureCompression(FeatureCompression&&) noexcept = default;
FeatureCompression& FeatureCompression::operator=(FeatureCompression&&) noexcept = default;

const CompressionMap& FeatureCompression::map() const { return impl_->map; }
const std::string& FeatureCompression::sha256() const { return impl_->sha256; }
int64_t FeatureCompression::feature_count() const { return impl_->columns; }
int64_t FeatureCompression::dimensions() const { return impl_->map.dimensions; }

void FeatureCompression::require(const CompressionMap& features, int64_t feature_count) const {
  const auto equal = [this](const std::string& what, const std::string& found, const std::string& fitted_to) {
    if (found == fitted_to) return;
    throw OptionError(impl_->file, ": ", what, " is ", found, ", and it was fitted to features where it is ", fitted_to,
                      "; take the same, or fit another with dcgan-eval compress.");
  };
  const auto list = [](const std::vector<int64_t>& values) { return nlohmann::json(values).dump(); };
  const CompressionMap& own = impl_->map;
  equal("the model", features.model_sha256, own.model_sha256);
  equal("the list of layers", list(features.layers), list(own.layers));
  equal("the grid", std::to_string(features.grid), std::to_string(own.grid));
  equal("the number of features", std::to_string(feature_count), std::to_string(impl_->columns));
  equal("the preprocessing", decisive(features.preprocessing), own.preprocessing);
}

void FeatureCompression::apply(const float* features, int64_t count, float* compressed) const {
  constexpr int64_t kDepth = 2048;  // float32 sums are this long, longer ones float64
  const Impl& c = *impl_;
  const int64_t panel = c.kernels.panel, k = c.map.dimensions;
  impl_->pool.run((k + panel - 1) / panel, [&](int64_t p) {
    std::vector<float> products(count * panel);
    std::vector<double> sums(products.size());
    for (int64_t d = 0; d < c.columns; d += kDepth) {
      const float* const weights = c.packed.data() + (p * c.columns + d) * panel;
      const int64_t depth = std::min(kDepth, c.columns - d);
      c.kernels.multiply(features + d, c.columns, count, weights, depth, products.data(), weights + depth * panel);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(products[i]);
    }
    const int64_t first = p * panel, used = std::min(panel, k - first);
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < used; ++j) {
        compressed[i * k + first + j] = static_cast<float>(sums[i * panel + j] + double{c.map.offsets[first + j]});
      }
    }
  });
}

void FeatureCompression::save(const std::string& file, const CompressionMap& map) {
  check(file, map);
  SafetensorsFile content;
  content.tensors["weights"] =
      make_tensor({map.dimensions, static_cast<int64_t>(map.weights.size()) / map.dimensions}, map.weights);
  content.tensors["offsets"] = make_tensor({map.dimensions}, map.offsets);
  content.metadata = {{"format", kFormat},
                      {"format_version", "1"},
                      {"model_sha256", map.model_sha256},
                      {"layers", nlohmann::json(map.layers).dump()},
                      {"grid", std::to_string(map.grid)},
                      {"preprocessing", decisive(map.preprocessing)},
                      {"record", map.record}};
  write_safetensors(file, content);
}

std::string compression_sha256(const std::string& preprocessing) {
  const auto json = nlohmann::json::parse(preprocessing, nullptr, /*allow_exceptions=*/false);
  const auto found = json.is_object() ? json.find("compression") : json.end();
  return found == json.end() || !found->is_object() ? "" : found->value("sha256", "");
}

}  // namespace dcgan
