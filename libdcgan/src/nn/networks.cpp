#include "nn/networks.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/batch_norm_update_stats.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <optional>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "nn/convolution.h"

namespace dcgan::nn {
namespace {

at::Tensor normal(at::IntArrayRef shape, double mean, at::Generator& random) {
  return at::empty(shape, at::kFloat).normal_(mean, kInitialDeviation, random);
}

BatchNorm make_batch_norm(const LayerEnd& end, int64_t channels, at::Generator& random) {
  if (!end.batch_norm) return {};
  return {normal({channels}, 1, random),
          at::zeros({channels}),
          at::zeros({channels}),
          at::ones({channels}),
          nullptr,
          end.epsilon};
}

at::Tensor make_bias(const LayerEnd& end, int64_t channels) { return end.bias ? at::zeros({channels}) : at::Tensor(); }

HiddenLayer make_hidden(const std::optional<DenseShape>& shape, at::Generator& random) {
  if (!shape) return {};
  HiddenLayer layer;
  layer.shape = *shape;
  layer.weight = normal({shape->outputs, shape->inputs}, 0, random);
  layer.bias = make_bias(*shape, shape->outputs);
  layer.batch_norm = make_batch_norm(*shape, shape->outputs, random);
  return layer;
}

std::vector<Convolution> make_convolutions(const std::vector<ConvolutionShape>& shapes, bool transposed,
                                           at::Generator& random) {
  std::vector<Convolution> convolutions;
  for (const ConvolutionShape& s : shapes) {
    const int64_t first = transposed ? s.in_channels : s.out_channels;
    const int64_t second = transposed ? s.out_channels : s.in_channels;
    at::Tensor weight =
        normal({first, second, s.kernel, s.kernel}, 0, random).contiguous(at::MemoryFormat::ChannelsLast);
    convolutions.push_back(
        {s, std::move(weight), make_bias(s, s.out_channels), make_batch_norm(s, s.out_channels, random)});
  }
  return convolutions;
}

Sampling sampling_of(const ConvolutionShape& s) { return {s.stride, s.pad_before, s.pad_after}; }

at::Tensor with_bias(const at::Tensor& maps, const at::Tensor& bias) {
  return bias.defined() ? maps.add(bias.view({1, -1, 1, 1})) : maps;
}

at::Tensor activated(at::Tensor h, const LayerEnd& end) {
  if (end.slope == 1) return h;
  return end.slope == 0 ? h.relu_() : at::leaky_relu_(h, end.slope);
}

/// What follows a layer's sums.
struct Rest {
  const LayerEnd& end;
  const BatchNorm& norm;
  Statistics statistics;
};

/// A layer's sums after norm and activation. @param hook  called with what the norm takes
template <class Hook>
at::Tensor ended(at::Tensor h, const Rest& rest, const Hook& hook) {
  if (rest.end.norm_last && rest.end.batch_norm) {
    h = activated(h, rest.end);
    hook(h);
    return rest.norm.forward(h, rest.statistics);
  }
  hook(h);
  if (rest.end.batch_norm) h = rest.norm.forward(h, rest.statistics);
  return activated(h, rest.end);
}

void append(NamedTensors& all, const std::string& layer, const at::Tensor& weight, const at::Tensor& bias) {
  if (weight.defined()) all.emplace_back(layer + ".weight", weight);
  if (bias.defined()) all.emplace_back(layer + ".bias", bias);
}

void append(NamedTensors& all, const std::string& prefix, const BatchNorm& norm) {
  if (!norm.weight.defined()) return;
  all.emplace_back(prefix + ".weight", norm.weight);
  all.emplace_back(prefix + ".bias", norm.bias);
}

void append_buffers(NamedTensors& all, const std::string& prefix, const BatchNorm& norm) {
  if (!norm.weight.defined()) return;
  all.emplace_back(prefix + ".running_mean", norm.running_mean);
  all.emplace_back(prefix + ".running_var", norm.running_var);
}

void append(NamedTensors& all, const std::string& network, const HiddenLayer& layer) {
  append(all, network + ".hidden", layer.weight, layer.bias);
  append(all, network + ".bn_hidden", layer.batch_norm);
}

// Batch norm of each layer that forward() numbers; none for a layer without.
template <class Network>
std::vector<BatchNorm*> numbered_batch_norms(Network& network) {
  std::vector<BatchNorm*> norms = {nullptr};
  if constexpr (std::is_same_v<Network, Generator>) norms[0] = &network.project_norm;
  for (Convolution& c : network.convolutions) norms.push_back(&c.batch_norm);
  norms.push_back(&network.hidden.batch_norm);
  for (BatchNorm*& norm : norms) {
    if (norm != nullptr && !norm->weight.defined()) norm = nullptr;
  }
  return norms;
}

void move_to(c10::Device device, at::Tensor& tensor) {
  if (tensor.defined()) tensor = tensor.to(device);
}

void move_to(c10::Device device, BatchNorm& norm) {
  for (at::Tensor* t : {&norm.weight, &norm.bias, &norm.running_mean, &norm.running_var}) move_to(device, *t);
}

void move_to(c10::Device device, std::vector<Convolution>& convolutions) {
  for (Convolution& c : convolutions) {
    move_to(device, c.weight);
    move_to(device, c.bias);
    move_to(device, c.batch_norm);
  }
}

void move_to(c10::Device device, HiddenLayer& layer) {
  move_to(device, layer.weight);
  move_to(device, layer.bias);
  move_to(device, layer.batch_norm);
}

void run_layers(const Discriminator& network, const at::Tensor& images, const PreActivationHook& hook) {
  network.top(images, Statistics::kBatch, hook);
}

void run_layers(const Generator& network, const at::Tensor& z, const PreActivationHook& hook) {
  network.forward(z, Statistics::kBatch, hook);
}

}  // namespace

at::Tensor BatchNorm::forward(const at::Tensor& x, Statistics statistics) const {
  const bool batch = statistics == Statistics::kBatch;
  if (statistics == Statistics::kSharedBatch) return forward_shared(x);
  return at::batch_norm(x, weight, bias, batch ? at::Tensor() : running_mean, batch ? at::Tensor() : running_var, batch,
                        /*momentum=*/0, epsilon, /*cudnn_enabled=*/false);
}

at::Tensor BatchNorm::forward_shared(const at::Tensor& input) const {
  const at::Tensor x = input.to(at::kFloat);  // sums of bfloat16 would be rounded
  std::vector<int64_t> all_but_channels = {0};
  std::vector<int64_t> per_channel(x.dim(), 1);
  per_channel[1] = x.size(1);
  for (int64_t d = 2; d < x.dim(); ++d) all_but_channels.push_back(d);
  const int64_t values = x.numel() / x.size(1);
  const at::Tensor sums = sum_over_processes(at::cat({x.sum(all_but_channels), at::full({1}, values, x.options())}));
  const at::Tensor count = sums.narrow(0, x.size(1), 1).detach();
  const at::Tensor centred = x.sub(sums.narrow(0, 0, x.size(1)).div(count).view(per_channel));
  const at::Tensor variance = sum_over_processes(centred.square().sum(all_but_channels)).div(count);
  return centred.mul(variance.add(epsilon).rsqrt().mul(weight).view(per_channel)).add(bias.view(per_channel));
}

std::vector<at::Tensor> Discriminator::activations(const at::Tensor& images, Statistics statistics,
                                                   const PreActivationHook& hook) const {
  std::vector<at::Tensor> outputs;
  at::Tensor h = images;
  for (size_t i = 0; i < convolutions.size(); ++i) {
    const Convolution& c = convolutions[i];
    h = with_bias(convolve(h, c.weight, sampling_of(c.shape)), c.bias);
    h = ended(h, {c.shape, c.batch_norm, statistics}, [&](const at::Tensor& sums) {
      if (hook) hook(i + 1, sums);
    });
    if (c.shape.resize > 1) h = at::max_pool2d(h, c.shape.resize);
    outputs.push_back(h);
  }
  return outputs;
}

at::Tensor Discriminator::top(const at::Tensor& images, Statistics statistics, const PreActivationHook& hook) const {
  return top_of(activations(images, statistics, hook).back(), statistics, hook);
}

at::Tensor Discriminator::top_of(const at::Tensor& maps, Statistics statistics, const PreActivationHook& hook) const {
  // Flattened as (C, H, W), whatever the memory format, as the authors' flatten does.
  at::Tensor h = average_pool ? maps.mean({2, 3}) : maps.contiguous().flatten(1);
  if (!hidden.weight.defined()) return h;
  return ended(at::linear(h, hidden.weight, hidden.bias), {hidden.shape, hidden.batch_norm, statistics},
               [&](const at::Tensor& sums) {
                 if (hook) hook(convolutions.size() + 1, sums);
               });
}

at::Tensor Discriminator::forward(const at::Tensor& images, Statistics statistics,
                                  const PreActivationHook& hook) const {
  return logits_of(activations(images, statistics, hook).back(), statistics, hook);
}

at::Tensor Discriminator::logits_of(const at::Tensor& maps, Statistics statistics,
                                    const PreActivationHook& hook) const {
  return at::linear(top_of(maps, statistics, hook), head, head_bias).squeeze(1);
}

NamedTensors Discriminator::parameters() const {
  NamedTensors all;
  for (size_t i = 0; i < convolutions.size(); ++i) {
    append(all, text_of("discriminator.conv", i + 1), convolutions[i].weight, convolutions[i].bias);
    append(all, text_of("discriminator.bn", i + 1), convolutions[i].batch_norm);
  }
  append(all, "discriminator", hidden);
  append(all, "discriminator.head", head, head_bias);
  return all;
}

NamedTensors Discriminator::buffers() const {
  NamedTensors all;
  for (size_t i = 0; i < convolutions.size(); ++i) {
    append_buffers(all, text_of("discriminator.bn", i + 1), convolutions[i].batch_norm);
  }
  append_buffers(all, "discriminator.bn_hidden", hidden.batch_norm);
  return all;
}

at::Tensor Generator::forward(const at::Tensor& z, Statistics statistics, const PreActivationHook& hook) const {
  const auto hook_of = [&hook](size_t layer) {
    return [&hook, layer](const at::Tensor& sums) {
      if (hook) hook(layer, sums);
    };
  };
  at::Tensor h = z;
  if (hidden.weight.defined()) {
    h = ended(at::linear(h, hidden.weight, hidden.bias), {hidden.shape, hidden.batch_norm, statistics},
              hook_of(convolutions.size() + 1));
  }
  // A transposed convolution from 1x1 is a dense layer.
  h = projection.transposed ? h.matmul(project.flatten(1)) : at::linear(h, project, project_bias);
  const auto as_maps = [&] { h = h.view({z.size(0), projection.channels, projection.size, projection.size}); };
  if (!projection.norm_per_unit) as_maps();
  if (projection.transposed) h = with_bias(h, project_bias);
  h = ended(h, {projection, project_norm, statistics}, hook_of(0));
  if (projection.norm_per_unit) as_maps();
  h = h.contiguous(at::MemoryFormat::ChannelsLast);
  for (size_t i = 0; i < convolutions.size(); ++i) {
    const Convolution& c = convolutions[i];
    const int64_t side = c.shape.size_in * c.shape.resize;
    if (c.shape.resize > 1) h = at::upsample_nearest2d(h, {side, side});
    h = with_bias(convolve_transposed(h, c.weight, sampling_of(c.shape)), c.bias);
    h = ended(h, {c.shape, c.batch_norm, statistics}, hook_of(i + 1));
  }
  return sigmoid ? h.sigmoid() : h.tanh();
}

NamedTensors Generator::parameters() const {
  NamedTensors all;
  append(all, "generator", hidden);
  append(all, "generator.project", project, project_bias);
  append(all, "generator.bn0", project_norm);
  for (size_t i = 0; i < convolutions.size(); ++i) {
    append(all, text_of("generator.deconv", i + 1), convolutions[i].weight, convolutions[i].bias);
    append(all, text_of("generator.bn", i + 1), convolutions[i].batch_norm);
  }
  return all;
}

NamedTensors Generator::buffers() const {
  NamedTensors all;
  append_buffers(all, "generator.bn0", project_norm);
  for (size_t i = 0; i < convolutions.size(); ++i) {
    append_buffers(all, text_of("generator.bn", i + 1), convolutions[i].batch_norm);
  }
  append_buffers(all, "generator.bn_hidden", hidden.batch_norm);
  return all;
}

Discriminator make_discriminator(const ArchitectureOptions& options, uint64_t seed) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, "discriminator"));
  const DiscriminatorLayers layers = discriminator_layers(options);
  Discriminator network;
  network.convolutions = make_convolutions(layers.convolutions, false, random);
  network.average_pool = layers.average_pool;
  network.hidden = make_hidden(layers.hidden, random);
  network.head = normal({1, layers.head.inputs}, 0, random);
  network.head_bias = make_bias(layers.head, 1);
  return network;
}

Generator make_generator(const ArchitectureOptions& options, uint64_t seed) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, "generator"));
  const GeneratorLayers layers = generator_layers(options);
  const ProjectionShape& p = layers.project;
  Generator network;
  network.hidden = make_hidden(layers.hidden, random);
  network.projection = p;
  const int64_t inputs = layers.hidden ? layers.hidden->outputs : options.nz;
  network.project =
      p.transposed ? normal({inputs, p.channels, p.size, p.size}, 0, random) : normal({p.units(), inputs}, 0, random);
  network.project_bias = make_bias(p, p.transposed ? p.channels : p.units());
  network.project_norm = make_batch_norm(p, p.norm_channels(), random);
  network.convolutions = make_convolutions(layers.convolutions, true, random);
  network.sigmoid = layers.sigmoid;
  return network;
}

void move_to(c10::Device device, Discriminator& network) {
  move_to(device, network.convolutions);
  move_to(device, network.hidden);
  move_to(device, network.head);
  move_to(device, network.head_bias);
}

void move_to(c10::Device device, Generator& network) {
  move_to(device, network.hidden);
  move_to(device, network.project);
  move_to(device, network.project_bias);
  move_to(device, network.project_norm);
  move_to(device, network.convolutions);
}

template <class Network>
void share(Network& network, const std::function<at::Tensor(const at::Tensor&)>& sum) {
  for (BatchNorm* norm : numbered_batch_norms(network)) {
    if (norm != nullptr) norm->sum_over_processes = sum;
  }
}
void share_batch_norm(Discriminator& network, const std::function<at::Tensor(const at::Tensor&)>& sum) {
  share(network, sum);
}
void share_batch_norm(Generator& network, const std::function<at::Tensor(const at::Tensor&)>& sum) {
  share(network, sum);
}

int64_t count(const NamedTensors& tensors) {
  int64_t values = 0;
  for (const auto& [name, tensor] : tensors) values += tensor.numel();
  return values;
}

at::Tensor draw_noise(const ArchitectureOptions& options, int64_t count, uint64_t seed) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(seed);
  at::Tensor z = at::empty({count, options.nz}, at::kFloat);
  return options.latent == Latent::kUniform ? z.uniform_(-1, 1, random) : z.normal_(0, 1, random);
}

namespace {

// [1, C, 1, 1] on the device of x
at::Tensor by_channel(const std::vector<double>& values, const at::Tensor& x) {
  at::Tensor result = at::empty({static_cast<int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), result.mutable_data_ptr<double>());
  return result.to(x.device(), at::kFloat).view({1, -1, 1, 1});
}

// The luma of Pillow's "L", of uint8 [N, H, W, 3]: float32 [N, H, W, 1].
at::Tensor luma(const at::Tensor& pixels) {
  const at::Tensor whole = pixels.to(at::kInt);
  const auto channel = [&](int64_t c, int64_t weight) { return whole.narrow(3, c, 1).mul(weight); };
  return channel(0, 19595)
      .add_(channel(1, 38470))
      .add_(channel(2, 7471))
      .add_(0x8000)
      .bitwise_right_shift_(16)
      .to(at::kFloat);
}

}  // namespace

at::Tensor images_from_pixels(const at::Tensor& pixels, const InputOptions& input) {
  if (input == InputOptions()) return pixels.to(at::kFloat).div_(127.5).sub_(1).permute({0, 3, 1, 2});
  at::Tensor x = input.channels == 1 ? luma(pixels) : pixels.to(at::kFloat);
  x = (input.order == ChannelOrder::kBgr ? x.flip({3}) : x).permute({0, 3, 1, 2});
  return x.div_(255).sub_(by_channel(input.mean, x)).div_(by_channel(input.deviation, x));
}

at::Tensor pixels_from_images(const at::Tensor& images, const InputOptions& input) {
  const auto rounded = [](at::Tensor x) {
    return x.round_().clamp_(0, 255).permute({0, 2, 3, 1}).contiguous().to(at::kByte);
  };
  if (input == InputOptions()) return rounded(images.detach().add(1).mul_(127.5));
  at::Tensor x = images.detach().mul(by_channel(input.deviation, images)).add_(by_channel(input.mean, images));
  x = x.mul_(255);
  if (input.order == ChannelOrder::kBgr) x = x.flip({1});
  return rounded(input.channels == 1 ? x.expand({-1, 3, -1, -1}).clone() : x);
}

template <class Network>
void add_moments(Network& network, const at::Tensor& minibatch, MomentAverage& average) {
  const at::NoGradGuard no_grad;
  const std::vector<BatchNorm*> norms = numbered_batch_norms(network);
  const auto values = [](const at::Tensor& tensor) {
    const at::Tensor floats = tensor.to(at::kCPU, at::kFloat).contiguous();
    return std::vector<float>(floats.const_data_ptr<float>(), floats.const_data_ptr<float>() + floats.numel());
  };
  run_layers(network, minibatch, [&](size_t layer, const at::Tensor& h) {
    if (norms[layer] == nullptr) return;
    // Mean and biased variance by batch norm's own kernel: var_mean() takes many times longer on channels-last tensors.
    const auto [mean, variance] = at::batch_norm_update_stats(h, {}, {}, /*momentum=*/0);
    average.add(layer, {values(mean), values(variance)});
  });
}

template <class Network>
void StatisticsAverage<Network>::finish() {
  const std::vector<BatchNorm*> norms = numbered_batch_norms(network_);
  const at::NoGradGuard no_grad;
  const auto copy = [](std::vector<float>& values, const at::Tensor& to) {
    to.copy_(at::from_blob(values.data(), to.sizes(), at::kFloat));
  };
  for (size_t layer = 0; layer < norms.size(); ++layer) {
    if (norms[layer] == nullptr) continue;
    Moments average = moments_.average(layer);
    copy(average.mean, norms[layer]->running_mean);
    copy(average.variance, norms[layer]->running_var);
  }
}

template void add_moments(Discriminator& network, const at::Tensor& minibatch, MomentAverage& average);
template void add_moments(Generator& network, const at::Tensor& minibatch, MomentAverage& average);
void clear_statistics(Generator& network) {
  for (BatchNorm* norm : numbered_batch_norms(network)) {
    if (norm == nullptr) continue;
    norm->running_mean.zero_();
    norm->running_var.fill_(1);
  }
}

void infer_statistics(Generator& network, const ArchitectureOptions& options, uint64_t seed) {
  constexpr int64_t kMinibatches = 32;
  infer_statistics(network, kMinibatches * kStatisticsMinibatch, [&](int64_t first, int64_t size) {
    const auto position = static_cast<uint64_t>(first / kStatisticsMinibatch);
    return draw_noise(options, size, derive_seed(seed, "statistics-noise", position));
  });
}

template class StatisticsAverage<Discriminator>;
template class StatisticsAverage<Generator>;

}  // namespace dcgan::nn
