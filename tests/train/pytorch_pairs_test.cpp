// PyTorch's DCGAN example and the recipe pytorch64 from the same start, on the same minibatches and noise
// (golden/make_pytorch_pairs.py ran PyTorch's).
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/softplus.h>
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "dcgan/errors.h"
#include "dcgan/safetensors.h"
#include "nn/network_tensors.h"
#include "tests/support/tensor_near.h"
#include "train/trained_networks.h"

namespace dcgan::train {
namespace {

constexpr int64_t kPairs = 10, kBatch = 8;
constexpr double kLearningRate = 2e-4;

std::string golden(const char* name) { return DCGAN_SOURCE_DIR "/tests/golden/pytorch_pairs/" + std::string(name); }

TrainingRun small_example() {
  TrainingRun run;
  run.architecture.image_size = 64;
  run.architecture.nz = 4;
  run.architecture.latent = Latent::kNormal;
  run.architecture.network =
      "conv 4 2 1 to 2; lrelu 0.2; conv 4 2 1 to 4; bn; lrelu 0.2; conv 4 2 1 to 8; bn; lrelu 0.2; conv 4 2 1 to 16; "
      "bn; "
      "lrelu 0.2; conv 4 1 0 to 1";
  run.architecture.generator_network =
      "deconv 4 1 0 to 16; bn; relu; deconv 4 2 1 to 8; bn; relu; deconv 4 2 1 to 4; bn; relu; deconv 4 2 1 to 2; bn; "
      "relu; deconv 4 2 1 to 3; tanh";
  run.options.schedule = Schedule::kBoth;
  run.options.shared_noise = true;
  run.device = "cpu";
  return run;
}

// As make_pytorch_pairs.py makes them.
at::Tensor values(at::IntArrayRef shape, double step, int64_t pair, double scale = 1) {
  const int64_t count = at::empty(shape, at::kByte).numel();
  const at::Tensor k = at::arange(count, at::kDouble);
  return k.mul(step).add(static_cast<double>(pair)).sin().mul(scale).to(at::kFloat).view(shape);
}
at::Tensor images(int64_t pair) { return values({kBatch, 3, 64, 64}, 12.9898, pair); }
at::Tensor noise(int64_t pair) { return values({kBatch, 4}, 0.3, pair, 2); }

std::vector<std::vector<double>> golden_losses() {
  return nlohmann::json::parse(std::ifstream(golden("losses.json"))).get<std::vector<std::vector<double>>>();
}

TEST(PyTorchsExample, HasTheLossesOfItsPairsHere) {
  const TrainingRun run = small_example();
  check(run.options);
  const Processes one(run.processes, run.device, {});
  TrainedNetworks networks(run, one, one.device());
  const auto start = read_safetensors(golden("start.safetensors")).tensors;
  for (const nn::NamedTensors& parameters :
       {networks.discriminator().parameters(), networks.generator().parameters()}) {
    nn::load_tensors(start, parameters);
  }
  const auto expected = golden_losses();
  for (int64_t pair = 0; pair < kPairs; ++pair) {
    const at::Tensor before = networks.sums().clone();
    PairInputs inputs;
    inputs.images = images(pair).contiguous(at::MemoryFormat::ChannelsLast);
    inputs.discriminator_noise = inputs.generator_noise = noise(pair);
    inputs.learning_rate = inputs.generator_learning_rate = at::full({}, kLearningRate, at::kFloat);
    inputs.discriminator_size = inputs.generator_size = kBatch;
    networks.update(inputs);
    const at::Tensor losses = networks.sums().sub(before);
    EXPECT_NEAR(losses[0].item<double>(), expected[static_cast<size_t>(pair)][0], 1e-4)
        << "discriminator, pair " << pair;
    EXPECT_NEAR(losses[1].item<double>(), expected[static_cast<size_t>(pair)][1], 1e-4) << "generator, pair " << pair;
  }
}

template <class Network>
void to_float64(Network& network) {
  const auto convert = [](at::Tensor& t) { t = t.defined() ? t.to(at::kDouble) : t; };
  const auto convert_norm = [&](nn::BatchNorm& n) {
    for (at::Tensor* t : {&n.weight, &n.bias, &n.running_mean, &n.running_var}) convert(*t);
  };
  for (nn::Convolution& c : network.convolutions) {
    convert(c.weight);
    convert_norm(c.batch_norm);
  }
  if constexpr (std::is_same_v<Network, nn::Generator>) {
    convert(network.project);
    convert_norm(network.project_norm);
  } else {
    convert(network.head);
  }
}

// In float64, where the sums' order does not show: networks, losses, batch norm's epsilon and Adam are the example's.
TEST(PyTorchsExample, HasTheParametersOfItsPairsHereInFloat64) {
  const TrainingRun run = small_example();
  const auto start = read_safetensors(golden("start.safetensors")).tensors;
  nn::Discriminator discriminator = nn::make_discriminator(run.architecture, 1);
  nn::Generator generator = nn::make_generator(run.architecture, 1);
  nn::load_tensors(start, discriminator.parameters());
  nn::load_tensors(start, generator.parameters());
  to_float64(discriminator);
  to_float64(generator);
  const AdamOptions adam{0.5, 0.999};
  Adam discriminator_adam(discriminator.parameters(), adam), generator_adam(generator.parameters(), adam);
  for (const nn::NamedTensors& parameters : {discriminator.parameters(), generator.parameters()}) {
    for (const auto& [name, tensor] : parameters) at::Tensor(tensor).set_requires_grad(true);
  }
  const at::Tensor rate = at::full({}, kLearningRate, at::kDouble);
  const auto logits = [&](const at::Tensor& x) { return discriminator.forward(x, nn::Statistics::kBatch); };
  const auto real = [](const at::Tensor& y) { return at::softplus(y.neg()).mean(); };
  const auto expected = golden_losses();
  for (int64_t pair = 0; pair < kPairs; ++pair) {
    const at::Tensor fake = generator.forward(noise(pair).to(at::kDouble), nn::Statistics::kBatch);
    const at::Tensor loss = real(logits(images(pair).to(at::kDouble))).add(at::softplus(logits(fake.detach())).mean());
    EXPECT_NEAR(loss.item<double>(), expected[static_cast<size_t>(pair)][0], 1e-6);
    loss.backward();
    discriminator_adam.step(rate);
    const at::Tensor generator_loss = real(logits(fake));
    EXPECT_NEAR(generator_loss.item<double>(), expected[static_cast<size_t>(pair)][1], 1e-6);
    generator_loss.backward();
    for (const auto& [name, tensor] : discriminator.parameters()) at::Tensor(tensor).mutable_grad().reset();
    generator_adam.step(rate);
  }
  const auto end = read_safetensors(golden("end.safetensors")).tensors;
  for (const nn::NamedTensors& parameters : {discriminator.parameters(), generator.parameters()}) {
    for (const auto& [name, tensor] : parameters) {
      at::Tensor theirs = at::empty(tensor.sizes(), at::kFloat);
      nn::load_tensors(end, {{name, theirs}});
      EXPECT_THAT(tensor.detach(), test::tensor_near(theirs, 1e-6)) << name;
    }
  }
}

TEST(SharedNoise, NeedsTheScheduleOfBothSteps) {
  TrainOptions options;
  options.shared_noise = true;
  EXPECT_THAT([&] { check(options); },
              testing::ThrowsMessage<OptionError>(testing::HasSubstr("--shared-noise needs --schedule both")));
  options.schedule = Schedule::kBoth;
  EXPECT_NO_THROW(check(options));
}

}  // namespace
}  // namespace dcgan::train
