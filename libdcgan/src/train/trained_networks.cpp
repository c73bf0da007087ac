#include "train/trained_networks.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rot90.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/tensor_split.h>
#include <ATen/ops/zeros.h>

#include "dcgan/seeds.h"
#include "nn/precision.h"
#include "train/augmentation.h"

namespace dcgan::train {
namespace {

constexpr const char* kAveragePrefix = "average.";
constexpr int64_t kTurns = 4;

template <class Network>
Network on_device(Network network, c10::Device device) {
  nn::move_to(device, network);
  return network;
}

AdamOptions discriminator_adam(const TrainOptions& o) {
  return {o.beta1, o.beta2, o.weight_decay, o.decoupled_weight_decay};
}

AdamOptions generator_adam(const TrainOptions& o) {
  AdamOptions adam = discriminator_adam(o);
  if (o.generator_beta1 >= 0) adam.beta1 = o.generator_beta1;
  if (o.generator_beta2 >= 0) adam.beta2 = o.generator_beta2;
  return adam;
}

nn::Generator make_generator(const TrainingRun& run) {
  return run.options.has_generator() ? nn::make_generator(run.architecture, run.seed) : nn::Generator();
}

int64_t last_channels(const TrainingRun& run) {
  return discriminator_convolutions(run.architecture).back().out_channels;
}

ContrastiveHeads make_heads(const TrainingRun& run, c10::Device device) {
  if (run.options.contrastive == 0) return {};
  ContrastiveHeads heads(discriminator_convolutions(run.architecture), run.options.contrastive_layers, run.seed);
  heads.move_to(device);
  return heads;
}

SpectralNorm make_spectral_norm(const TrainingRun& run, c10::Device device) {
  if (!run.options.spectral_norm) return {};
  SpectralNorm norm(nn::make_discriminator(run.architecture, run.seed), run.seed);
  norm.move_to(device);
  return norm;
}

// Of the dense layer that tells turns apart.
at::Tensor make_rotation(const TrainingRun& run, at::IntArrayRef shape, std::string_view purpose, c10::Device device) {
  if (run.options.rotation == 0) return {};
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(derive_seed(run.seed, purpose));
  return random_dense(shape, last_channels(run), random).to(device);
}

void set_requires_grad(const nn::NamedTensors& parameters, bool required) {
  for (const auto& [name, tensor] : parameters) tensor.set_requires_grad(required);
}

// Images as the published objective shows them to the discriminator.
at::Tensor shown(const at::Tensor& images, const at::Tensor& augmentation) {
  return augmentation.defined() ? augmented(images.to(at::kFloat), augmentation) : images;
}

void update_average(const nn::NamedTensors& values, const nn::NamedTensors& averages, double decay) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < values.size(); ++i) at::Tensor(averages[i].second).lerp_(values[i].second, 1 - decay);
}

}  // namespace

TrainedNetworks::TrainedNetworks(const TrainingRun& run, const Processes& processes, c10::Device device)
    : options_(run.options),
      processes_(processes),
      device_(device),
      discriminator_(on_device(nn::make_discriminator(run.architecture, run.seed), device)),
      spectral_norm_(make_spectral_norm(run, device)),
      heads_(make_heads(run, device)),
      rotation_weight_(make_rotation(run, {kTurns, last_channels(run)}, "rotation-weight", device)),
      rotation_bias_(make_rotation(run, {kTurns}, "rotation-bias", device)),
      generator_(on_device(make_generator(run), device)),
      discriminator_adam_(trained_discriminator(), discriminator_adam(run.options)),
      generator_adam_(generator_.parameters(), generator_adam(run.options)),
      discriminator_gradients_(processes, trained_discriminator()),
      generator_gradients_(processes, generator_.parameters()),
      sums_(at::zeros({11}, device)) {
  if (run.options.sync_batch_norm && processes.count() > 1) {
    statistics_ = nn::Statistics::kSharedBatch;
    const auto sum = [&processes](const at::Tensor& x) { return processes.differentiable_sum(x); };
    nn::share_batch_norm(discriminator_, sum);
    nn::share_batch_norm(generator_, sum);
    heads_.share_batch_norm(sum);
  }
  if (averages()) {  // equal seeds: the averages begin at the initial weights
    discriminator_average_ = on_device(nn::make_discriminator(run.architecture, run.seed), device);
    generator_average_ = on_device(make_generator(run), device);
  }
}

// The discriminator's dense layers serve the published objective alone.
nn::NamedTensors TrainedNetworks::trained_discriminator() const {
  nn::Discriminator trained = discriminator_;
  if (!options_.has_generator()) {
    trained.hidden = {};
    trained.head = trained.head_bias = at::Tensor();
  }
  nn::NamedTensors all = trained.parameters();
  for (auto& parameter : heads_.parameters()) all.push_back(std::move(parameter));
  for (auto& parameter : rotation()) all.push_back(std::move(parameter));
  return all;
}

nn::NamedTensors TrainedNetworks::rotation() const {
  if (!rotation_weight_.defined()) return {};
  return {{"rotation.weight", rotation_weight_}, {"rotation.bias", rotation_bias_}};
}

void TrainedNetworks::start_from(const nn::NamedTensors& parameters) {
  const at::NoGradGuard no_grad;
  const auto copy_to = [&](const nn::NamedTensors& targets) {
    for (const auto& [name, target] : targets) {
      for (const auto& [source_name, source] : parameters) {
        if (source_name == name) at::Tensor(target).copy_(source);
      }
    }
  };
  copy_to(discriminator_.parameters());
  copy_to(generator_.parameters());
  if (options_.spectral_norm) spectral_norm_.settle(discriminator_);
  if (!averages()) return;
  copy_to(discriminator_average_.parameters());
  copy_to(generator_average_.parameters());
}

void TrainedNetworks::update(const PairInputs& inputs) {
  if (!options_.has_generator()) {
    update_discriminator(inputs);
  } else if (options_.schedule == Schedule::kAlternating) {
    update_generator(inputs);
    update_discriminator(inputs);
  } else {
    update_discriminator(inputs);
    update_generator(inputs);
  }
  if (!averages()) return;
  update_average(discriminator_.parameters(), discriminator_average_.parameters(), options_.average_decay);
  update_average(generator_.parameters(), generator_average_.parameters(), options_.average_decay);
}

nn::NamedTensors TrainedNetworks::state() const {
  nn::NamedTensors all;
  for (const nn::NamedTensors& group :
       {discriminator_.parameters(), heads_.parameters(), rotation(), spectral_norm_.state(), generator_.parameters(),
        discriminator_adam_.moments(), generator_adam_.moments()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  if (!averages()) return all;
  for (const nn::NamedTensors& group : {discriminator_average_.parameters(), generator_average_.parameters()}) {
    for (const auto& [name, tensor] : group) all.emplace_back(kAveragePrefix + name, tensor);
  }
  return all;
}

void TrainedNetworks::set_updates(int64_t updates) {
  discriminator_adam_.set_updates(updates);
  generator_adam_.set_updates(updates);
}

void TrainedNetworks::drop_gradients() {
  for (const nn::NamedTensors& group : {trained_discriminator(), generator_.parameters()}) {
    for (const auto& [name, tensor] : group) at::Tensor(tensor).mutable_grad().reset();
  }
}

void TrainedNetworks::update_discriminator(const PairInputs& inputs) {
  set_requires_grad(trained_discriminator(), true);
  const nn::Discriminator used = used_discriminator();
  at::Tensor loss;
  if (options_.has_generator()) {
    loss = adversarial_loss(used, inputs);
    add_to_sums(0, loss);
    if (options_.adversarial != 1) loss = loss.mul(options_.adversarial);
  }
  if (options_.contrastive > 0) {
    const at::Tensor contrastive = contrastive_loss(used, inputs).mul(options_.contrastive);
    loss = loss.defined() ? loss.add(contrastive) : contrastive;
  }
  if (options_.rotation > 0) {
    const at::Tensor rotation = rotation_loss(used, inputs).mul(options_.rotation);
    loss = loss.defined() ? loss.add(rotation) : rotation;
  }
  discriminator_gradients_.backward(loss);
  add_to_sums(4, discriminator_adam_.gradient_norm());
  discriminator_adam_.step(inputs.learning_rate);
  if (options_.spectral_norm) spectral_norm_.iterate(discriminator_);
}

at::Tensor TrainedNetworks::adversarial_loss(const nn::Discriminator& used, const PairInputs& inputs) {
  at::Tensor fake;
  {
    const at::NoGradGuard no_grad;
    const nn::CastScope cast(device_, options_.precision);
    fake = generator_.forward(inputs.discriminator_noise, statistics_);
  }
  // Two passes: the statistics of real and generated images are never mixed (the authors' two graph evaluations).
  const at::Tensor real_logits = trained_logits_of(used, shown(inputs.images, inputs.real_augmentation));
  const at::Tensor fake_logits = trained_logits_of(used, shown(fake, inputs.fake_augmentation));
  const int64_t size = inputs.discriminator_size;
  add_to_sums(2, mean(real_logits.detach().sigmoid(), size));
  add_to_sums(3, mean(fake_logits.detach().sigmoid(), size));
  // A sum of two means, not their mean.
  return mean(loss_of_real(real_logits), size).add(mean(loss_of_fake(fake_logits), size));
}

// -log sigmoid(x) = softplus(-x)
at::Tensor TrainedNetworks::loss_of_real(const at::Tensor& logits) const {
  const at::Tensor wrong = logits.neg();
  return options_.adversarial_loss == AdversarialLoss::kHinge ? wrong.add(1).relu() : at::softplus(wrong);
}

at::Tensor TrainedNetworks::loss_of_fake(const at::Tensor& logits) const { return loss_of_real(logits.neg()); }

// The discriminator as it computes: with weights that are divided by their spectral norms, where they are to be.
nn::Discriminator TrainedNetworks::used_discriminator() const {
  return options_.spectral_norm ? spectral_norm_.normalised(discriminator_) : discriminator_;
}

nn::Discriminator& TrainedNetworks::shown_discriminator() {
  nn::Discriminator& weights = averages() ? discriminator_average_ : discriminator_;
  if (!options_.spectral_norm) return weights;
  const at::NoGradGuard no_grad;
  shown_divided_ = spectral_norm_.normalised(weights);
  return shown_divided_;
}

// A quarter of the minibatch, which is shuffled, is turned by each of the four right angles (Gidaris et al. 2018,
// arXiv:1803.07728; Chen et al. 2019, arXiv:1811.11212).
at::Tensor TrainedNetworks::rotation_loss(const nn::Discriminator& used, const PairInputs& inputs) {
  std::vector<at::Tensor> turned, turns;
  for (const at::Tensor& part : at::tensor_split(inputs.images, kTurns)) {
    const auto turn = static_cast<int64_t>(turned.size());
    turned.push_back(at::rot90(part, turn, {2, 3}));
    turns.push_back(at::full({part.size(0)}, turn, part.options().dtype(at::kLong)));
  }
  const at::Tensor answer = at::cat(turns);
  at::Tensor logits;
  {
    const nn::CastScope cast(device_, options_.precision);
    const at::Tensor images = at::cat(turned).contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor maps = used.activations(images, statistics_).back();
    logits =
        at::linear(maps.mean({2, 3}, /*keepdim=*/false, at::kFloat), rotation_weight_, rotation_bias_).to(at::kFloat);
  }
  const at::Tensor loss =
      mean(at::cross_entropy_loss(logits, answer, {}, /*reduction: none*/ 0), inputs.discriminator_size);
  add_to_sums(9, loss);
  add_to_sums(10, mean(logits.detach().argmax(1).eq(answer).to(at::kFloat), inputs.discriminator_size));
  return loss;
}

// Both views in one pass: batch norm takes its statistics over them together.
at::Tensor TrainedNetworks::contrastive_loss(const nn::Discriminator& used, const PairInputs& inputs) {
  std::vector<at::Tensor> directions;
  {
    const nn::CastScope cast(device_, options_.precision);
    directions = heads_.directions(used.activations(inputs.views, statistics_), statistics_);
  }
  const int64_t size = 2 * inputs.discriminator_size;
  at::Tensor loss;
  for (const at::Tensor& own : directions) {
    const Contrast views = contrast(with_all(own, inputs));
    const at::Tensor layer_loss = mean(views.loss, size);
    if (loss.defined()) {
      loss = loss.add(layer_loss.mul(options_.contrastive_layers));
      continue;
    }
    loss = layer_loss;
    add_to_sums(6, layer_loss);
    add_to_sums(7, mean(views.found, size));
    add_to_sums(8, mean(views.similarity, size));
  }
  return loss;
}

// With the directions of the other processes, each in its place of the whole minibatch.
Directions TrainedNetworks::with_all(const at::Tensor& own, const PairInputs& inputs) const {
  if (processes_.count() == 1) return {own, own, 0};
  const int64_t images = own.size(0) / 2;
  const int64_t first = inputs.discriminator_first;
  const int64_t after = inputs.discriminator_size - first - images;
  const auto in_place = [&](const at::Tensor& rows) { return at::constant_pad_nd(rows, {0, 0, first, after}); };
  const at::Tensor padded = at::cat({in_place(own.narrow(0, 0, images)), in_place(own.narrow(0, images, images))});
  return {own, processes_.differentiable_sum(padded), first};
}

void TrainedNetworks::update_generator(const PairInputs& inputs) {
  set_requires_grad(discriminator_.parameters(), false);  // its gradients would be thrown away
  set_requires_grad(generator_.parameters(), true);
  at::Tensor fake;
  {
    const nn::CastScope cast(device_, options_.precision);
    fake = generator_.forward(inputs.generator_noise, statistics_);
  }
  const at::Tensor logits = logits_of(used_discriminator(), shown(fake, inputs.generator_augmentation));
  const bool hinge = options_.adversarial_loss == AdversarialLoss::kHinge;
  const at::Tensor loss = mean(hinge ? logits.neg() : loss_of_real(logits), inputs.generator_size);
  generator_gradients_.backward(loss);
  add_to_sums(5, generator_adam_.gradient_norm());
  generator_adam_.step(inputs.generator_learning_rate);
  add_to_sums(1, loss);
}

at::Tensor TrainedNetworks::logits_of(const nn::Discriminator& used, const at::Tensor& images) const {
  const nn::CastScope cast(device_, options_.precision);
  return used.forward(images, statistics_).to(at::kFloat);
}

// Gradients go as far down as the published objective trains.
at::Tensor TrainedNetworks::trained_logits_of(const nn::Discriminator& used, const at::Tensor& images) const {
  if (options_.adversarial_trunk == AdversarialTrunk::kOn) return logits_of(used, images);
  const nn::CastScope cast(device_, options_.precision);
  at::Tensor maps;
  {
    const at::NoGradGuard no_grad;
    maps = used.activations(images, statistics_).back();
  }
  return used.logits_of(maps, statistics_).to(at::kFloat);
}

// Mean over this process's part of a minibatch of `size` images, such that the mean over the processes is that over the
// whole minibatch.
at::Tensor TrainedNetworks::mean(const at::Tensor& values, int64_t size) const {
  const int64_t parts = values.size(0) * processes_.count();
  return parts == size ? values.mean()
                       : values.sum().mul(static_cast<double>(processes_.count()) / static_cast<double>(size));
}

}  // namespace dcgan::train
