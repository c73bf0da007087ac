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

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "nn/convolution.h"

namespace dcgan::nn {
namespace {

at::Tensor normal(at::IntArrayRef shape, double mean, at::Generator& random) {
  return at::empty(shape, at::kFloat).normal_(mean, kInitialDeviation, random);
}

BatchNorm make_batch_norm(int64_t channels, at::Generator& random) {
  return {normal({channels}, 1, random), at::zeros({channels}), at::zeros({channels}), at::ones({channels})};
}

HiddenLayer make_hidden(const GuidelineOptions& options, int64_t inputs, at::Generator& random) {
  if (options.hidden_dense == 0) return {};
  HiddenLayer layer;
  layer.weight = normal({options.hidden_dense, inputs}, 0, random);
  if (options.batch_norm != NormalizedLayers::kNone) layer.batch_norm = make_batch_norm(options.hidden_dense, random);
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
        {s, std::move(weight), s.batch_norm ? make_batch_norm(s.out_channels, random) : BatchNorm{}});
  }
  return convolutions;
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
  if (layer.weight.defined()) all.emplace_back(network + ".hidden.weight", layer.weight);
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
    move_to(device, c.batch_norm);
  }
}

void move_to(c10::Device device, HiddenLayer& layer) {
  move_to(device, layer.weight);
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
                        /*momentum=*/0, kBatchNormEpsilon, /*cudnn_enabled=*/false);
}

at::Tensor BatchNorm::forward_shared(const at::Tensor& input) const {
  const at::Tensor x = input.to(at::kFloat);  // sums of bfloat16 would be rounded
  std::vector<int64_t> all_but_channels = {0};
  std::vector<int64_t> per_channel(x.dim(), 1);
  per_channel[1] = x.size(1);
  for (int64_t d = 2; d < x.dim(); ++d) all_but_channels.push_back(d);
  const auto values = static_cast<double>(x.numel() / x.size(1));
  const at::Tensor sums = sum_over_processes(at::cat({x.sum(all_but_channels), at::full({1}, values, x.options())}));
  const at::Tensor count = sums.narrow(0, x.size(1), 1).detach();
  const at::Tensor centred = x.sub(sums.narrow(0, 0, x.size(1)).div(count).view(per_channel));
  const at::Tensor variance = sum_over_processes(centred.square().sum(all_but_channels)).div(count);
  return centred.mul(variance.add(kBatchNormEpsilon).rsqrt().mul(weight).view(per_channel)).add(bias.view(per_channel));
}

std::vector<at::Tensor> Discriminator::activations(const at::Tensor& images, Statistics statistics,
                                                   const PreActivationHook& hook) const {
  std::vector<at::Tensor> outputs;
  at::Tensor h = images;
  for (size_t i = 0; i < convolutions.size(); ++i) {
    const Convolution& c = convolutions[i];
    h = convolve(h, c.weight, c.shape.stride);
    if (hook) hook(i + 1, h);
    if (c.shape.batch_norm) h = c.batch_norm.forward(h, statistics);
    h = at::leaky_relu_(h, slope);
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
  if (hidden.weight.defined()) {
    h = at::linear(h, hidden.weight);
    if (hook) hook(convolutions.size() + 1, h);
    if (hidden.batch_norm.weight.defined()) h = hidden.batch_norm.forward(h, statistics);
    h = at::leaky_relu_(h, slope);
  }
  return h;
}

at::Tensor Discriminator::forward(const at::Tensor& images, Statistics statistics,
                                  const PreActivationHook& hook) const {
  return logits_of(activations(images, statistics, hook).back(), statistics, hook);
}

at::Tensor Discriminator::logits_of(const at::Tensor& maps, Statistics statistics,
                                    const PreActivationHook& hook) const {
  return at::linear(top_of(maps, statistics, hook), head).squeeze(1);
}

NamedTensors Discriminator::parameters() const {
  NamedTensors all;
  for (size_t i = 0; i < convolutions.size(); ++i) {
    all.emplace_back(text_of("discriminator.conv", i + 1, ".weight"), convolutions[i].weight);
    append(all, text_of("discriminator.bn", i + 1), convolutions[i].batch_norm);
  }
  append(all, "discriminator", hidden);
  if (head.defined()) all.emplace_back("discriminator.head.weight", head);
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
  at::Tensor h = z;
  if (hidden.weight.defined()) {
    h = at::linear(h, hidden.weight);
    if (hook) hook(convolutions.size() + 1, h);
    if (hidden.batch_norm.weight.defined()) h = hidden.batch_norm.forward(h, statistics);
    h = h.relu_();
  }
  h = at::linear(h, project);
  if (hook) hook(0, h);
  if (project_norm.weight.defined()) h = project_norm.forward(h, statistics);
  h = h.relu_().view({z.size(0), -1, kBaseSize, kBaseSize}).contiguous(at::MemoryFormat::ChannelsLast);
  for (size_t i = 0; i < convolutions.size(); ++i) {
    const Convolution& c = convolutions[i];
    const int64_t side = c.shape.size_in * c.shape.resize;
    if (c.shape.resize > 1) h = at::upsample_nearest2d(h, {side, side});
    h = convolve_transposed(h, c.weight, c.shape.stride);
    if (hook) hook(i + 1, h);
    if (c.shape.batch_norm) h = c.batch_norm.forward(h, statistics);
    if (i + 1 < convolutions.size()) h = h.relu_();
  }
  return h.tanh();
}

NamedTensors Generator::parameters() const {
  NamedTensors all;
  append(all, "generator", hidden);
  if (project.defined()) all.emplace_back("generator.project.weight", project);
  append(all, "generator.bn0", project_norm);
  for (size_t i = 0; i < convolutions.size(); ++i) {
    all.emplace_back(text_of("generator.deconv", i + 1, ".weight"), convolutions[i].weight);
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
  Discriminator network;
  network.convolutions = make_convolutions(discriminator_convolutions(options), false, random);
  network.average_pool = options.guidelines.head == Head::kAveragePool;
  network.slope = options.guidelines.activation == Activation::kRelu ? 0 : kLeakySlope;
  network.hidden = make_hidden(options.guidelines, dense_inputs(options), random);
  const int64_t hidden = options.guidelines.hidden_dense;
  network.head = normal({1, hidden > 0 ? hidden : dense_inputs(options)}, 0, random);
  return network;
}

Generator make_generator(const ArchitectureOptions& options, uint64_t seed) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, "generator"));
  const std::vector<ConvolutionShape> shapes = generator_convolutions(options);
  const int64_t units = shapes.front().in_channels * kBaseSize * kBaseSize;
  Generator network;
  network.hidden = make_hidden(options.guidelines, options.nz, random);
  const int64_t hidden = options.guidelines.hidden_dense;
  network.project = normal({units, hidden > 0 ? hidden : options.nz}, 0, random);
  if (options.guidelines.batch_norm != NormalizedLayers::kNone) network.project_norm = make_batch_norm(units, random);
  network.convolutions = make_convolutions(shapes, true, random);
  return network;
}

void move_to(c10::Device device, Discriminator& network) {
  move_to(device, network.convolutions);
  move_to(device, network.hidden);
  move_to(device, network.head);
}

void move_to(c10::Device device, Generator& network) {
  move_to(device, network.hidden);
  move_to(device, network.project);
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

at::Tensor images_from_pixels(const at::Tensor& pixels) {
  return pixels.to(at::kFloat).div_(127.5).sub_(1).permute({0, 3, 1, 2});
}

at::Tensor pixels_from_images(const at::Tensor& images) {
  return images.detach().add(1).mul_(127.5).round_().clamp_(0, 255).permute({0, 2, 3, 1}).contiguous().to(at::kByte);
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
