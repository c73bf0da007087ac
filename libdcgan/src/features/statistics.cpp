#include "features/statistics.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/network_constants.h"
#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "dcgan/statistics.h"
#include "dcgan/text.h"
#include "features/network_moments.h"
#include "features/noise.h"

namespace dcgan {
namespace {

constexpr int64_t kNoiseMinibatches = 32;

void store(const MomentAverage& moments, const std::string& network, size_t convolutions, ModelFile& model) {
  for (size_t layer = 0; layer <= convolutions + 1; ++layer) {
    if (!moments.has(layer)) continue;
    const std::string name = batch_norm_name(network, layer, convolutions);
    const Moments average = moments.average(layer);
    const auto channels = static_cast<int64_t>(average.mean.size());
    model.tensors[name + ".running_mean"] = make_tensor({channels}, average.mean);
    model.tensors[name + ".running_var"] = make_tensor({channels}, average.variance);
  }
}

}  // namespace

void features::infer_discriminator_statistics(ModelFile& model, const NextImages& next, const std::string& source,
                                              MomentEngine& engine) {
  const int64_t image_bytes = model.architecture.image_size * model.architecture.image_size * 3;
  // The rule asks whether one image or more will be left: two more than a minibatch say so.
  constexpr int64_t kRoom = kStatisticsMinibatch + 2;
  std::vector<uint8_t> pixels(kRoom * image_bytes);
  MomentAverage average;
  int64_t images = 0;
  int64_t waiting = 0;  // images in `pixels`
  for (bool more = true; more || waiting > 0;) {
    while (more && waiting < kRoom) {
      const int64_t got = next(pixels.data() + waiting * image_bytes, kRoom - waiting);
      waiting += got;
      more = got > 0;
    }
    if (waiting == 0) break;
    const int64_t count = statistics_minibatch_of(waiting);
    engine.add(pixels.data(), count, average);
    images += count;
    waiting -= count;
    std::copy_n(pixels.data() + count * image_bytes, waiting * image_bytes, pixels.data());
  }
  if (images == 0) throw OptionError("batch-norm statistics need at least one image; ", source, " has none.");
  store(average, "discriminator", discriminator_convolutions(model.architecture).size(), model);
  model.statistics = json_text(
      nlohmann::ordered_json{{"source", source}, {"images", images}, {"minibatch-size", kStatisticsMinibatch}});
}

void infer_statistics(ModelFile& model, const NextImages& next, const StatisticsSource& source) {
  features::NetworkMoments discriminator = features::NetworkMoments::of_discriminator(model, source.threads);
  features::infer_discriminator_statistics(model, next, source.name, discriminator);
  if (!model.has_generator) return;
  features::NetworkMoments generator = features::NetworkMoments::of_generator(model, source.threads);
  MomentAverage average;
  for (int64_t i = 0; i < kNoiseMinibatches; ++i) {
    const uint64_t seed = derive_seed(source.seed, "statistics-noise", static_cast<uint64_t>(i));
    generator.add_noise(features::draw_noise_minibatch(model.architecture, seed), average);
  }
  store(average, "generator", generator_convolutions(model.architecture).size(), model);
}

}  // namespace dcgan
