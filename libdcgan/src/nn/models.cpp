#include "dcgan/models.h"

#include <nlohmann/json.hpp>

#include "dcgan/explored_networks.h"
#include "nn/network_tensors.h"
#include "nn/networks.h"

namespace dcgan {

ModelFile initialised_model(const ArchitectureOptions& options, uint64_t seed) {
  ModelFile model;
  model.architecture = options;
  const nn::Discriminator discriminator = nn::make_discriminator(options, seed);
  const nn::Generator generator = options.has_generator() ? nn::make_generator(options, seed) : nn::Generator{};
  nn::store_networks(discriminator, generator, model);
  model.statistics = R"({"source":"none: mean 0, variance 1"})";
  model.training = nlohmann::ordered_json({{"step", 0}, {"seed", seed}}).dump();
  return model;
}

ImageBatch sample_images(const ModelFile& model, int64_t count, uint64_t seed, bool batch_statistics) {
  return explored_networks(model, {batch_statistics, "cpu"})->images(sample_noise(model.architecture, count, seed));
}

}  // namespace dcgan
