#include "dcgan/supervised.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "nn/device.h"
#include "nn/networks.h"
#include "train/adam.h"
#include "train/settings_scope.h"
#include "train/tensor_memory.h"

namespace dcgan {
namespace {

constexpr double kBeta2 = 0.999;
// Ten thousand validation images take four times as long as an epoch of a thousand.
constexpr int64_t kValidateEvery = 5;

// uint8 [N, H, W, 3] and int64 [N], which share the batch's memory, respectively copy it.
struct Examples {
  Examples(const ImageBatch& batch, const ArchitectureOptions& architecture, int64_t classes)
      : pixels(at::from_blob(const_cast<uint8_t*>(batch.pixels.data()), {batch.count(), batch.height, batch.width, 3},
                             at::kByte)),
        labels(at::empty({batch.count()}, at::kLong)) {
    if (batch.height != architecture.image_size || batch.width != architecture.image_size) {
      throw Error("images of ", batch.width, "x", batch.height, " pixels, the network takes ", architecture.image_size,
                  "; resize them.");
    }
    if (batch.count() == 0 || batch.labels.size() != static_cast<size_t>(batch.count())) {
      throw Error(batch.labels.size(), " labels for ", batch.count(), " images.");
    }
    for (const int32_t label : batch.labels) {
      if (label < 0 || label >= classes) throw Error("label ", label, " is no class.");
    }
    std::copy(batch.labels.begin(), batch.labels.end(), labels.data_ptr<int64_t>());
  }

  at::Tensor pixels, labels;
};

class SupervisedTraining {
 public:
  SupervisedTraining(const SupervisedRun& run, const ArchitectureOptions& architecture, const ImageBatch& training,
                     const ImageBatch& validation, int64_t classes)
      : options_(run.options),
        seed_(run.seed),
        device_(nn::resolve_device(run.device)),
        training_(training, architecture, classes),
        validation_(validation, architecture, classes),
        input_(architecture.input),
        network_(make_network(architecture, classes, run.seed)),
        adam_(network_.parameters(), {run.options.beta1, kBeta2, run.options.weight_decay}),
        learning_rate_(at::full({}, run.options.learning_rate, at::kFloat).to(device_)) {
    for (const auto& [name, tensor] : network_.parameters()) tensor.set_requires_grad(true);
    // In random order, so that the minibatches of the statistics are not of one class where the images are sorted.
    std::vector<int64_t> order = shuffled_indices(training.count(), derive_seed(run.seed, "statistics"));
    const at::Tensor indices = at::from_blob(order.data(), {training.count()}, at::kLong);
    training_.pixels = training_.pixels.index_select(0, indices);
    training_.labels = training_.labels.index_select(0, indices);
    const int64_t shift = options_.shift;
    padded_ = nn::images_from_pixels(training_.pixels, input_);
    if (shift > 0) padded_ = at::replication_pad2d(padded_, {shift, shift, shift, shift});
  }

  /// @return mean loss
  double run_epoch(int64_t epoch) {
    const int64_t count = training_.pixels.size(0);
    const std::vector<int64_t> order = shuffled_indices(count, derive_seed(seed_, "shuffle", as_position(epoch)));
    std::mt19937_64 shifts(derive_seed(seed_, "shift", as_position(epoch)));
    at::Generator dropout = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed_, "dropout", as_position(epoch)));
    double sum = 0;
    for (int64_t first = 0; first < count; first += options_.batch_size) {
      const int64_t n = std::min(options_.batch_size, count - first);
      std::vector<at::Tensor> images;
      const auto offset = [&] {
        return static_cast<int64_t>(shifts() % static_cast<uint64_t>(2 * options_.shift + 1));
      };
      const int64_t side = training_.pixels.size(1);
      for (int64_t i = first; i < first + n; ++i) {
        const at::Tensor image = padded_[order[i]];
        const int64_t down = offset();
        images.push_back(image.narrow(1, down, side).narrow(2, offset(), side));
      }
      const at::Tensor chosen = at::from_blob(const_cast<int64_t*>(order.data() + first), {n}, at::kLong);
      const at::Tensor labels = training_.labels.index_select(0, chosen).to(device_);
      at::Tensor top = top_features(at::stack(images).contiguous(at::MemoryFormat::ChannelsLast).to(device_),
                                    nn::Statistics::kBatch);
      if (options_.dropout > 0) {
        const double kept = 1 - options_.dropout;
        top = top.mul(at::empty(top.sizes(), at::kFloat).bernoulli_(kept, dropout).div_(kept).to(device_));
      }
      const at::Tensor loss = at::cross_entropy_loss(at::linear(top, network_.head), labels);
      loss.backward();
      adam_.step(learning_rate_);
      sum += loss.item<double>() * static_cast<double>(n);
    }
    return sum / static_cast<double>(count);
  }

  double validation_error() {
    const at::NoGradGuard no_grad;
    nn::StatisticsAverage average(network_);
    for_each_batch(training_, [&](const at::Tensor& images, const at::Tensor&) { average.add(images); });
    average.finish();
    int64_t wrong = 0;
    for_each_batch(validation_, [&](const at::Tensor& images, const at::Tensor& labels) {
      const at::Tensor scores = at::linear(top_features(images, nn::Statistics::kFixed), network_.head);
      wrong += scores.argmax(1).to(at::kCPU).ne(labels).sum().item<int64_t>();
    });
    return static_cast<double>(wrong) / static_cast<double>(validation_.pixels.size(0));
  }

 private:
  static uint64_t as_position(int64_t epoch) { return static_cast<uint64_t>(epoch); }

  nn::Discriminator make_network(const ArchitectureOptions& architecture, int64_t classes, uint64_t seed) const {
    nn::Discriminator network = nn::make_discriminator(architecture, seed);
    at::Generator random = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, "classes"));
    network.head = at::empty({classes, network.head.size(1)}, at::kFloat).normal_(0, nn::kInitialDeviation, random);
    network.head_bias = at::Tensor();
    nn::move_to(device_, network);
    return network;
  }

  at::Tensor top_features(const at::Tensor& images, nn::Statistics statistics) const {
    return network_.top(images, statistics);
  }

  template <class Function>
  void for_each_batch(const Examples& examples, const Function& f) const {
    nn::for_each_statistics_minibatch(examples.pixels.size(0), [&](int64_t first, int64_t n) {
      f(nn::images_from_pixels(examples.pixels.narrow(0, first, n), input_).to(device_),
        examples.labels.narrow(0, first, n));
    });
  }

  const SupervisedOptions& options_;
  uint64_t seed_;
  c10::Device device_;
  Examples training_, validation_;
  InputOptions input_;
  nn::Discriminator network_;
  train::Adam adam_;
  at::Tensor learning_rate_;
  at::Tensor padded_;  // float32 [N, 3, H + 2 shift, W + 2 shift] in [-1, 1]
};

}  // namespace

SupervisedEpoch train_supervised(const SupervisedRun& run, const ImageBatch& training, const ImageBatch& validation,
                                 int64_t classes) {
  check(run.options);
  ArchitectureOptions architecture = run.architecture;
  architecture.ndf = run.options.ndf;
  check(architecture);
  const train::SettingsScope settings(run.threads);
  const train::ReusedTensorMemory reused_memory(nn::resolve_device(run.device));
  SupervisedTraining network(run, architecture, training, validation, classes);
  SupervisedEpoch best, now;
  for (int64_t epoch = 1; epoch <= run.options.epochs && epoch - best.epoch <= run.options.patience; ++epoch) {
    now.epoch = epoch;
    now.training_loss = network.run_epoch(epoch);
    if (!std::isfinite(now.training_loss)) break;
    const bool validates = epoch % kValidateEvery == 0 || epoch == run.options.epochs;
    if (validates) now.validation_error = network.validation_error();
    if (run.on_epoch) run.on_epoch(now);
    if (validates && (best.epoch == 0 || now.validation_error < best.validation_error)) best = now;
  }
  return best;
}

}  // namespace dcgan
