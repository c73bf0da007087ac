#include "dcgan/models.h"

#include <ATen/core/grad_mode.h>

#include <nlohmann/json.hpp>

#include "dcgan/seeds.h"
#include "models/generator_statistics.h"
#include "nn/network_tensors.h"
#include "nn/networks.h"

namespace dcgan {

ModelFile initialised_model(const ArchitectureOptions& options, uint64_t seed) {
  ModelFile model;
  model.architecture = options;
  const nn::Discriminator discriminator = nn::make_discriminator(options, seed);
  const nn::Generator generator = nn::make_generator(options, seed);
  nn::store_networks(discriminator, generator, model);
  model.statistics = R"({"source":"none: mean 0, variance 1"})";
  model.training = nlohmann::ordered_json({{"step", 0}, {"seed", seed}}).dump();
  return model;
}

ImageBatch sample_images(const ModelFile& model, int64_t count, uint64_t seed, bool batch_statistics) {
  const at::NoGradGuard no_grad;
  const at::Tensor z = nn::draw_noise(model.architecture, count, derive_seed(seed, "samples"));
  const auto statistics = batch_statistics ? nn::Statistics::kBatch : nn::Statistics::kFixed;
  nn::Generator generator = nn::generator_from(model);
  constexpr uint64_t kStatisticsSeed = 42;  // whatever the samples' is: statistics are the model's
  if (!batch_statistics && models::lacks_generator_statistics(model)) {
    nn::infer_statistics(generator, model.architecture, kStatisticsSeed);
  }
  return nn::image_batch_from(generator.forward(z, statistics));
}

}  // namespace dcgan
