#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "dcgan/trainer.h"
#include "nn/networks.h"
#include "train/adam.h"
#include "train/contrastive.h"
#include "train/processes.h"
#include "train/spectral_norm.h"

namespace dcgan::train {

/// What a pair of updates takes from outside, on the networks' device. In a training of several processes: this
/// process's part of the minibatches. What an objective that has no weight would take stays undefined.
struct PairInputs {
  at::Tensor images;               ///< float32 [N, 3, H, W] in [-1, 1], the discriminator's minibatch
  at::Tensor views;                ///< float32 [2 N, 3, H, W], two_views() of it
  at::Tensor discriminator_noise;  ///< float32 [N, Z]
  at::Tensor generator_noise;      ///< float32 [M, Z]
  at::Tensor real_augmentation;    ///< float32 [N, 7], draw_augmentations(); so are the next two
  at::Tensor fake_augmentation;
  at::Tensor generator_augmentation;  ///< float32 [M, 7]
  at::Tensor learning_rate;           ///< float32, one number, of the discriminator
  at::Tensor generator_learning_rate;
  int64_t discriminator_size = 0;  ///< images of the whole minibatch, all processes together
  int64_t generator_size = 0;
  int64_t discriminator_first = 0;  ///< position in the whole minibatch of the first image here
};

/// A generator and a discriminator with what trains them; a discriminator alone where the published objective has no
/// weight. An update is work of the device alone: the host never waits
/// in it, and it knows nothing of steps, so that it can be recorded and run again on other inputs.
class TrainedNetworks {
 public:
  TrainedNetworks(const TrainingRun& run, const Processes& processes, c10::Device device);

  /// One update of each network, in the order of the schedule. arXiv:1511.06434, section 4; the authors'
  /// faces/train_uncond_dcgan.py.
  void update(const PairInputs& inputs);

  /// Sets weights before the first update.
  void start_from(const nn::NamedTensors& parameters);

  /// All that an update changes but sums(), by name. Who fills these tensors sets the number of updates, too.
  nn::NamedTensors state() const;
  /// Of an update that did not come to its end.
  void drop_gradients();
  void set_updates(int64_t updates);

  const nn::Discriminator& discriminator() const { return discriminator_; }
  const nn::Generator& generator() const { return generator_; }
  /// The networks that samples and model are made of: those of averaged weights, if weights are averaged.
  nn::Discriminator& shown_discriminator();
  nn::Generator& shown_generator() { return averages() ? generator_average_ : generator_; }

  /// float32 [11], to which an update adds the values of StepReport, in their order.
  at::Tensor sums() const { return sums_; }

 private:
  bool averages() const { return options_.average_decay > 0; }
  nn::NamedTensors trained_discriminator() const;
  nn::NamedTensors rotation() const;
  void update_discriminator(const PairInputs& inputs);
  at::Tensor adversarial_loss(const nn::Discriminator& used, const PairInputs& inputs);
  at::Tensor contrastive_loss(const nn::Discriminator& used, const PairInputs& inputs);
  at::Tensor rotation_loss(const nn::Discriminator& used, const PairInputs& inputs);
  nn::Discriminator used_discriminator() const;
  Directions with_all(const at::Tensor& own, const PairInputs& inputs) const;
  void update_generator(const PairInputs& inputs);
  at::Tensor logits_of(const nn::Discriminator& used, const at::Tensor& images) const;
  at::Tensor trained_logits_of(const nn::Discriminator& used, const at::Tensor& images) const;
  at::Tensor loss_of_real(const at::Tensor& logits) const;
  at::Tensor loss_of_fake(const at::Tensor& logits) const;
  at::Tensor mean(const at::Tensor& values, int64_t size) const;
  void add_to_sums(int64_t index, const at::Tensor& value) { sums_.select(0, index).add_(value.detach()); }

  const TrainOptions& options_;
  const Processes& processes_;
  c10::Device device_;
  nn::Statistics statistics_ = nn::Statistics::kBatch;
  nn::Discriminator discriminator_;
  SpectralNorm spectral_norm_;               ///< empty unless weights are divided
  nn::Discriminator shown_divided_;          ///< then: what shown_discriminator() gave last
  ContrastiveHeads heads_;                   ///< none unless the contrastive objective has a weight
  at::Tensor rotation_weight_;               ///< float32 [4, C], of the means of the last maps; undefined without
  at::Tensor rotation_bias_;                 ///< float32 [4]
  nn::Generator generator_;                  ///< without tensors where there is none
  nn::Discriminator discriminator_average_;  ///< without tensors unless weights are averaged
  nn::Generator generator_average_;
  Adam discriminator_adam_, generator_adam_;
  Processes::Gradients discriminator_gradients_, generator_gradients_;
  at::Tensor sums_;
};

}  // namespace dcgan::train
