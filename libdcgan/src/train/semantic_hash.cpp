#include "dcgan/semantic_hash.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "nn/device.h"
#include "nn/networks.h"
#include "train/adam.h"
#include "train/settings_scope.h"

namespace dcgan {
namespace {

constexpr int64_t kValues = kHashSide * kHashSide * 3;
static_assert(kValues == 3072);
constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kLeastDeviation = 0.05;  // of pixels in [0, 1]: what is nearly flat is not blown up to noise
constexpr int64_t kBlock = 4096;          // images encoded at once: 50 MB

int64_t count_of(const std::vector<uint8_t>& pixels) {
  if (pixels.size() % kValues != 0) {
    throw Error(pixels.size(), " bytes of pixels, expected images of 32x32x3 = 3072.");
  }
  return static_cast<int64_t>(pixels.size()) / kValues;
}

at::Tensor as_tensor(const std::vector<uint8_t>& pixels) {
  return at::from_blob(const_cast<uint8_t*>(pixels.data()), {count_of(pixels), kValues}, at::kByte);
}

// Mean 0 and standard deviation 1 for each image: float32 [N, 3072].
at::Tensor standardised(const at::Tensor& pixels) {
  const at::Tensor values = pixels.to(at::kFloat).div_(255);
  const at::Tensor centred = values - values.mean(1, true);
  return centred.div_(centred.square().mean(1, true).sqrt_().add_(kLeastDeviation));
}

}  // namespace

struct SemanticHash::Impl {
  Impl(const at::Tensor& pixels, const Training& training)
      : options(training.options),
        seed(training.seed),
        threads(training.threads),
        device(nn::resolve_device(training.device)) {
    const auto weight = [&](int64_t rows, int64_t columns, const char* purpose) {
      at::Generator random = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, purpose));
      return at::empty({rows, columns}, at::kFloat).normal_(0, nn::kInitialDeviation, random).to(device);
    };
    encoder = weight(kHashBits, kValues, "hash encoder");
    decoder = weight(kValues, kHashBits, "hash decoder");
    encoder_bias = at::zeros({kHashBits}, encoder.options());
    decoder_bias = at::zeros({kValues}, encoder.options());
    mean = at::zeros({kValues}, encoder.options());
    const int64_t count = pixels.size(0);
    for (int64_t first = 0; first < count; first += kBlock) {
      mean += standardised(pixels.narrow(0, first, std::min(kBlock, count - first)).to(device)).sum(0);
    }
    mean /= static_cast<double>(count);
  }

  // Distance of each unit from its threshold: float32 [N, 128].
  at::Tensor units(const at::Tensor& standard) const { return at::linear(standard - mean, encoder, encoder_bias); }

  // @return mean loss
  double run_epoch(const at::Tensor& pixels, int64_t epoch, const std::function<bool()>& should_stop,
                   train::Adam& adam) {
    const auto position = static_cast<uint64_t>(epoch);
    const int64_t count = pixels.size(0);
    const std::vector<int64_t> order = shuffled_indices(count, derive_seed(seed, "hash shuffle", position));
    at::Generator random = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, "hash noise", position));
    const at::Tensor rate = at::full({}, options.learning_rate, at::kFloat).to(device);
    double sum = 0;
    for (int64_t first = 0; first < count && !should_stop(); first += options.batch_size) {
      const int64_t n = std::min(options.batch_size, count - first);
      const at::Tensor rows = at::from_blob(const_cast<int64_t*>(order.data() + first), {n}, at::kLong);
      const at::Tensor clean = standardised(pixels.index_select(0, rows).to(device));
      const at::Tensor noise = at::empty({n, kValues}, at::kFloat).normal_(0, options.noise, random).to(device);
      at::Tensor code = units(clean + noise).relu();
      const double kept = 1 - options.dropout;
      code = code * at::empty({n, kHashBits}, at::kFloat).bernoulli_(kept, random).div_(kept).to(device);
      const at::Tensor loss = at::mse_loss(at::linear(code, decoder, decoder_bias), clean - mean);
      loss.backward();
      adam.step(rate);
      sum += loss.item<double>() * static_cast<double>(n);
    }
    return sum / static_cast<double>(count);
  }

  const HashOptions options;
  const uint64_t seed;
  const int64_t threads;
  const c10::Device device;
  at::Tensor encoder, encoder_bias, decoder, decoder_bias;
  at::Tensor mean;       // of the standardised pixels, float32 [3072]
  at::Tensor deviation;  // of the units, float32 [128]
};

SemanticHash::SemanticHash(const std::vector<uint8_t>& pixels, const Training& training) {
  check(training.options);
  const at::Tensor images = as_tensor(pixels);
  if (images.size(0) == 0) throw Error("no images to train the codes on.");
  const train::SettingsScope settings(training.threads);
  impl_ = std::make_unique<Impl>(images, training);
  Impl& net = *impl_;
  const nn::NamedTensors parameters = {{"encoder.weight", net.encoder},
                                       {"encoder.bias", net.encoder_bias},
                                       {"decoder.weight", net.decoder},
                                       {"decoder.bias", net.decoder_bias}};
  for (const auto& [name, tensor] : parameters) tensor.set_requires_grad(true);
  train::Adam adam(parameters, {kBeta1, kBeta2, 0});
  for (int64_t epoch = 1; epoch <= training.options.epochs && !training.should_stop(); ++epoch) {
    training.on_epoch(epoch, net.run_epoch(images, epoch, training.should_stop, adam));
  }
  const at::NoGradGuard no_grad;
  const at::Tensor sample = images.narrow(0, 0, std::min(kBlock, images.size(0)));
  net.deviation = net.units(standardised(sample.to(net.device))).square().mean(0).sqrt_().clamp_min_(1e-12);
}

SemanticHash::~SemanticHash() = default;

std::vector<ImageCode> SemanticHash::codes(const std::vector<uint8_t>& pixels) const {
  const train::SettingsScope settings(impl_->threads);
  const at::NoGradGuard no_grad;
  const at::Tensor images = as_tensor(pixels);
  std::vector<ImageCode> codes(images.size(0));
  for (int64_t first = 0; first < images.size(0); first += kBlock) {
    const int64_t n = std::min(kBlock, images.size(0) - first);
    const at::Tensor units =
        (impl_->units(standardised(images.narrow(0, first, n).to(impl_->device))) / impl_->deviation)
            .to(at::kCPU)
            .contiguous();
    for (int64_t i = 0; i < n; ++i) {
      const float* unit = units.data_ptr<float>() + i * kHashBits;
      ImageCode& code = codes[first + i];
      for (size_t b = 0; b < static_cast<size_t>(kHashBits); ++b) {
        if (unit[b] > 0) code.bits[b / 64] |= uint64_t{1} << (b % 64);
      }
      std::array<uint8_t, kHashBits> order;
      std::iota(order.begin(), order.end(), uint8_t{0});
      std::partial_sort_copy(order.begin(), order.end(), code.unsure.begin(), code.unsure.end(),
                             [&](uint8_t a, uint8_t b) { return std::abs(unit[a]) < std::abs(unit[b]); });
    }
  }
  return codes;
}

}  // namespace dcgan
