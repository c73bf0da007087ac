#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/moment_average.h"
#include "base/network_constants.h"
#include "dcgan/architecture.h"

// The two networks of DCGAN as plain structs of tensors: parameters by name, and forward() built from ATen's functions.
// Sources: Radford, Metz, Chintala 2016, arXiv:1511.06434, section 3; the authors' code, lib/ops.py and
// faces/train_uncond_dcgan.py. Layers of the published networks have no bias but batch norm's; those of lists may.

namespace dcgan::nn {

/// Standard deviation of all initial weights, arXiv:1511.06434, section 4; of batch norm's scale around 1, authors'
/// faces.
constexpr double kInitialDeviation = 0.02;

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Whether batch norm uses the minibatch's own mean and biased variance, those of a minibatch of which other processes
/// have parts (BatchNorm::sum_over_processes), or the fixed ones.
enum class Statistics { kBatch, kSharedBatch, kFixed };

/// (x - mean) / sqrt(variance + epsilon) * weight + bias, per channel of [N, C, H, W] or unit of [N, C]. float32;
/// bfloat16 under a CastScope, with statistics in float32.
struct BatchNorm {
  at::Tensor weight, bias;               ///< float32 [C]
  at::Tensor running_mean, running_var;  ///< float32 [C], the fixed statistics; biased variance
  /// Sum of a tensor over the processes that share a minibatch, differentiable; for Statistics::kSharedBatch.
  std::function<at::Tensor(const at::Tensor&)> sum_over_processes = nullptr;
  double epsilon = kBatchNormEpsilon;
  at::Tensor forward(const at::Tensor& x, Statistics statistics) const;

 private:
  at::Tensor forward_shared(const at::Tensor& input) const;
};

/// A strided convolution [O, I, k, k] or, in the generator, a fractionally-strided one [I, O, k, k].
struct Convolution {
  ConvolutionShape shape;
  at::Tensor weight;
  at::Tensor bias;       ///< float32 [channels]; undefined where shape.bias is false
  BatchNorm batch_norm;  ///< undefined tensors where shape.batch_norm is false
};

/// A dense layer that DCGANs usually do not have (GuidelineOptions::hidden_dense); without tensors where there is none.
struct HiddenLayer {
  DenseShape shape;
  at::Tensor weight;  ///< float32 [units, inputs]
  at::Tensor bias;    ///< float32 [units], or undefined
  BatchNorm batch_norm;
};

/// Called by forward() with each layer's number (0: the generator's projection; convolutions from 1; the hidden dense
/// layer after these) and what its batch norm takes, or where it has none its output before the activation.
using PreActivationHook = std::function<void(size_t layer, const at::Tensor& pre_activation)>;

struct Discriminator {
  std::vector<Convolution> convolutions;  ///< lowest first
  HiddenLayer hidden;                     ///< before the head
  at::Tensor head;                        ///< float32 [1, C * 4 * 4]; undefined in a partial model
  at::Tensor head_bias;                   ///< float32 [1], or undefined
  bool average_pool = false;              ///< the dense layers take the mean of each map

  /// @param images  float32 [N, C, H, W], of images_from_pixels()   @return logits, float32 [N]
  at::Tensor forward(const at::Tensor& images, Statistics statistics, const PreActivationHook& hook = nullptr) const;
  /// What the head takes: the last maps flattened as (C, H, W), or what is put between, float32 [N, head's inputs].
  at::Tensor top(const at::Tensor& images, Statistics statistics, const PreActivationHook& hook = nullptr) const;
  /// As top() and forward(), of the last maps that activations() gives.
  at::Tensor top_of(const at::Tensor& maps, Statistics statistics, const PreActivationHook& hook = nullptr) const;
  at::Tensor logits_of(const at::Tensor& maps, Statistics statistics, const PreActivationHook& hook = nullptr) const;
  /// Every convolution's output after batch norm, activation and pooling, lowest first: float32 [N, C, H, W].
  std::vector<at::Tensor> activations(const at::Tensor& images, Statistics statistics,
                                      const PreActivationHook& hook = nullptr) const;
  NamedTensors parameters() const;  ///< "discriminator.conv1.weight", ...
  NamedTensors buffers() const;     ///< "discriminator.bn2.running_mean", ...
};

struct Generator {
  HiddenLayer hidden;  ///< before the projection
  ProjectionShape projection;
  at::Tensor project;                     ///< float32 [C * 4 * 4, Z]; [Z, C, 4, 4] of a transposed convolution
  at::Tensor project_bias;                ///< float32 [C * 4 * 4], respectively [C]; or undefined
  BatchNorm project_norm;                 ///< per unit, before the reshape to [N, C, 4, 4], or per channel after it
  std::vector<Convolution> convolutions;  ///< from 4x4 upwards
  bool sigmoid = false;                   ///< images in [0, 1]

  /// @param z  float32 [N, Z]   @return images, float32 [N, C, H, W], as the discriminator takes them
  at::Tensor forward(const at::Tensor& z, Statistics statistics, const PreActivationHook& hook = nullptr) const;
  NamedTensors parameters() const;  ///< "generator.project.weight", "generator.bn0.weight", ...
  NamedTensors buffers() const;
};

/// Networks with the paper's initialisation: weights N(0, 0.02), batch norm's scale N(1, 0.02), its shift 0; fixed
/// statistics mean 0 and variance 1. Equal seeds give equal networks.
Discriminator make_discriminator(const ArchitectureOptions& options, uint64_t seed);
Generator make_generator(const ArchitectureOptions& options, uint64_t seed);

/// Moves every tensor of a network.
void move_to(c10::Device device, Discriminator& network);
void move_to(c10::Device device, Generator& network);

/// Sets sum_over_processes of every layer.
void share_batch_norm(Discriminator& network, const std::function<at::Tensor(const at::Tensor&)>& sum);
void share_batch_norm(Generator& network, const std::function<at::Tensor(const at::Tensor&)>& sum);

/// Number of values in all of them.
int64_t count(const NamedTensors& tensors);

/// Noise of one purpose and position: float32 [count, Z] from the architecture's distribution, on the CPU.
at::Tensor draw_noise(const ArchitectureOptions& options, int64_t count, uint64_t seed);

/// uint8 [N, H, W, 3] to float32 [N, C, H, W], channels last in memory, as InputOptions says: x / 127.5 - 1.
at::Tensor images_from_pixels(const at::Tensor& pixels, const InputOptions& input = {});
/// The inverse, rounded to the nearest and clamped: uint8 [N, H, W, 3]; grey has three equal values.
at::Tensor pixels_from_images(const at::Tensor& images, const InputOptions& input = {});

/// Runs a minibatch through a network whose batch norms take its own statistics, and adds the moments of each layer.
/// @param minibatch  float32 [N, 3, H, W] in [-1, 1], respectively noise [N, Z]
template <class Network>
void add_moments(Network& network, const at::Tensor& minibatch, MomentAverage& average);

/// Infers fixed batch-norm statistics by the authors' rule (base/moment_average.h).
///   StatisticsAverage average(network);   for each minibatch: average.add(images);   average.finish();
template <class Network>
class StatisticsAverage {
 public:
  explicit StatisticsAverage(Network& network) : network_(network) {}
  void add(const at::Tensor& minibatch) { add_moments(network_, minibatch, moments_); }
  /// Writes the averages to the network's running_mean and running_var. Needs at least one add().
  void finish();

 private:
  Network& network_;
  MomentAverage moments_;
};

/// Calls use(first, size) for each minibatch of the rule that `count` images make. @return their number
template <class Use>
int64_t for_each_statistics_minibatch(int64_t count, const Use& use) {
  int64_t minibatches = 0;
  for (int64_t first = 0; first < count; ++minibatches) {
    const int64_t size = statistics_minibatch_of(count - first);
    use(first, size);
    first += size;
  }
  return minibatches;
}

/// Infers the fixed statistics of a network over `count` images, or rows of noise, that minibatch(first, size) gives.
/// @return the number of minibatches
template <class Network, class Minibatch>
int64_t infer_statistics(Network& network, int64_t count, const Minibatch& minibatch) {
  StatisticsAverage average(network);
  const int64_t minibatches =
      for_each_statistics_minibatch(count, [&](int64_t first, int64_t size) { average.add(minibatch(first, size)); });
  average.finish();
  return minibatches;
}

/// Mean 0 and variance 1, as before any was inferred.
void clear_statistics(Generator& network);

/// Of a generator, over 32 minibatches of noise drawn from the seed.
void infer_statistics(Generator& network, const ArchitectureOptions& options, uint64_t seed);

}  // namespace dcgan::nn
