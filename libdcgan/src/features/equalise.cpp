#include "dcgan/equalise.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "base/network_constants.h"
#include "dcgan/errors.h"
#include "dcgan/feature_extractor.h"

namespace dcgan {
namespace {

constexpr int64_t kGrid = 4;
/// Share of its layer's mean variance below which a channel says nothing that is worth being made as large as the
/// others.
constexpr double kLeastVariance = 1e-4;

struct ChannelVariances {
  std::vector<double> values;  ///< of the channels of all convolutions: mean over the cells of each
  int64_t images = 0;
};

ChannelVariances variances_of(const ModelFile& model, const NextImages& next) {
  FeatureOptions options;
  options.grid = kGrid;
  options.device = "cpu";
  FeatureExtractor extractor(model, options);
  const int64_t size = extractor.image_size();
  const auto columns = static_cast<size_t>(extractor.feature_count());
  std::vector<uint8_t> pixels(kStatisticsMinibatch * size * size * 3);
  std::vector<float> rows(static_cast<size_t>(kStatisticsMinibatch) * columns), first;
  std::vector<double> sums(columns), squares(columns);  // of the differences from the first image
  ChannelVariances result;
  while (const int64_t count = next(pixels.data(), kStatisticsMinibatch)) {
    extractor.extract(pixels.data(), count, size, size, 0, rows.data());
    if (first.empty()) first.assign(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(columns));
    for (size_t i = 0; i < static_cast<size_t>(count) * columns; ++i) {
      const double difference = double{rows[i]} - double{first[i % columns]};
      sums[i % columns] += difference;
      squares[i % columns] += difference * difference;
    }
    result.images += count;
  }
  if (result.images < 2) {
    throw OptionError("deviations of features need two images or more, found ", result.images, ".");
  }
  constexpr size_t kCells = kGrid * kGrid;
  const auto images = static_cast<double>(result.images);
  result.values.resize(columns / kCells);
  for (size_t i = 0; i < columns; ++i) {
    const double mean = sums[i] / images;
    result.values[i / kCells] += std::max(0.0, squares[i] / images - mean * mean) / kCells;
  }
  return result;
}

/// Multiplies, or divides, what belongs to each channel of a tensor [outer, channels, the rest].
void scale(StoredTensor& tensor, size_t outer, const std::vector<float>& factors, bool divide) {
  std::vector<float> values = tensor.to_floats();
  const size_t rest = values.size() / outer / factors.size();
  for (size_t i = 0; i < values.size(); ++i) {
    const float factor = factors[i / rest % factors.size()];
    values[i] = divide ? values[i] / factor : values[i] * factor;
  }
  tensor = make_tensor(tensor.shape, values);
}

/// Makes the channels of convolution `layer` (from 1) as many times as large, seen from above as before.
void scale_channels(ModelFile& model, size_t layer, bool batch_norm, const std::vector<float>& factors) {
  const auto tensor = [&](const std::string& name) -> StoredTensor& {
    return model.tensors.at("discriminator." + name);
  };
  const std::string number = std::to_string(layer);
  if (batch_norm) {
    scale(tensor("bn" + number + ".weight"), 1, factors, /*divide=*/false);
    scale(tensor("bn" + number + ".bias"), 1, factors, /*divide=*/false);
  } else {
    scale(tensor("conv" + number + ".weight"), 1, factors, /*divide=*/false);
    const auto bias = model.tensors.find("discriminator.conv" + number + ".bias");
    if (bias != model.tensors.end()) scale(bias->second, 1, factors, /*divide=*/false);
  }
  for (const std::string& name : {text_of("conv", layer + 1), std::string("hidden"), std::string("head")}) {
    const auto reader = model.tensors.find("discriminator." + name + ".weight");
    if (reader == model.tensors.end()) continue;
    scale(reader->second, static_cast<size_t>(reader->second.shape[0]), factors, /*divide=*/true);
    return;
  }
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

void equalise_channels(ModelFile& model, const NextImages& next, const std::string& source) {
  const ChannelVariances variances = variances_of(model, next);
  const double mean = mean_of(variances.values);
  if (!(mean > 0)) throw Error("the features of all images are equal; there is nothing to be equalised.");
  const std::vector<ConvolutionShape> shapes = discriminator_convolutions(model.architecture);
  auto variance = variances.values.begin();
  for (size_t layer = 1; layer <= static_cast<size_t>(model.convolutions); ++layer) {
    const std::vector<double> own(variance, variance + shapes[layer - 1].out_channels);
    variance += shapes[layer - 1].out_channels;
    const double least = kLeastVariance * mean_of(own);
    std::vector<float> factors;  // the mean variance stays
    for (const double value : own) factors.push_back(static_cast<float>(1 / std::sqrt(std::max(value, least) / mean)));
    scale_channels(model, layer, shapes[layer - 1].batch_norm, factors);
  }
  nlohmann::ordered_json training = nlohmann::ordered_json::parse(model.training);
  training["equalised"] = {{"source", source}, {"images", variances.images}};
  model.training = training.dump();
}

}  // namespace dcgan
