#include "features/statistics.h"

#include <ATen/ops/from_blob.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "nn/network_tensors.h"

namespace dcgan {
namespace {

constexpr int64_t kNoiseMinibatches = 32;

}  // namespace

std::string features::average_statistics(nn::Discriminator& network, int64_t image_size, c10::Device device,
                                         const NextImages& next, const std::string& source) {
  const int64_t image_bytes = image_size * image_size * 3;
  std::vector<uint8_t> pixels(static_cast<size_t>(nn::kStatisticsMinibatch * image_bytes));
  nn::StatisticsAverage average(network);
  int64_t images = 0;
  for (bool more = true; more;) {
    int64_t count = 0;
    while (more && count < nn::kStatisticsMinibatch) {
      const int64_t got = next(pixels.data() + count * image_bytes, nn::kStatisticsMinibatch - count);
      count += got;
      more = got > 0;
    }
    if (count == 0) break;
    const at::Tensor u8 = at::from_blob(pixels.data(), {count, image_size, image_size, 3}, at::kByte);
    average.add(nn::images_from_pixels(u8.to(device)));
    images += count;
  }
  if (images == 0) throw OptionError("batch-norm statistics need at least one image; " + source + " has none.");
  average.finish();
  return nlohmann::ordered_json({{"source", source}, {"images", images}, {"minibatch-size", nn::kStatisticsMinibatch}})
      .dump();
}

void infer_statistics(ModelFile& model, const NextImages& next, const std::string& source, uint64_t seed) {
  nn::Discriminator discriminator = nn::discriminator_from(model);
  model.statistics =
      features::average_statistics(discriminator, model.architecture.image_size, c10::kCPU, next, source);
  nn::store_tensors(discriminator.buffers(), model.tensors);
  if (!model.has_generator) return;
  nn::Generator generator = nn::generator_from(model);
  nn::StatisticsAverage average(generator);
  for (int64_t i = 0; i < kNoiseMinibatches; ++i) {
    const uint64_t noise_seed = derive_seed(seed, "statistics-noise", static_cast<uint64_t>(i));
    average.add(nn::draw_noise(model.architecture, nn::kStatisticsMinibatch, noise_seed));
  }
  average.finish();
  nn::store_tensors(generator.buffers(), model.tensors);
}

}  // namespace dcgan
