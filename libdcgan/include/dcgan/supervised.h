#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "dcgan/architecture.h"
#include "dcgan/export.h"
#include "dcgan/images.h"

namespace dcgan {

/// Hyper-parameters of a supervised network: the discriminator's convolutions with a dense layer of K units instead of
/// one, softmax cross-entropy, Adam.
struct SupervisedOptions {
  int64_t ndf = 64;  ///< channels of the first convolution
  int64_t batch_size = 64;
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double weight_decay = 1e-4;  ///< added to the gradient of every parameter
  double dropout = 0.5;        ///< share of the dense layer's inputs that a step leaves out
  int64_t shift = 2;           ///< pixels, largest random shift of a training image; edges are repeated
  int64_t epochs = 100;        ///< at most
  int64_t patience = 20;       ///< epochs without a lower validation error after which it stops
};

template <class Visitor>
void describe(SupervisedOptions& o, Visitor&& f) {
  f(o.ndf, "ndf", "channels of the first convolution");
  f(o.batch_size, "batch-size", "images per step");
  f(o.learning_rate, "learning-rate", "Adam's step size");
  f(o.beta1, "beta1", "Adam's decay of the first moment");
  f(o.weight_decay, "weight-decay", "L2 penalty added to every gradient");
  f(o.dropout, "dropout", "share of the dense layer's inputs that a step leaves out");
  f(o.shift, "shift", "largest random shift of a training image, pixels");
  f(o.epochs, "epochs", "passes over the training images, at most");
  f(o.patience, "patience", "epochs without a lower validation error after which it stops");
}

/// Throws OptionError that names the flag, the value and the rule.
DCGAN_EXPORT void check(const SupervisedOptions& options);

/// A random trial. The paper (arXiv:1511.06434, section 5.2; 64 trials) does not give its ranges; these are ours:
///   ndf            the architecture's, or half of it
///   batch-size     32, 64 or 128
///   learning-rate  1e-4 to 1e-2, uniform in the logarithm
///   beta1          0.5 or 0.9
///   weight-decay   1e-6 to 1e-2, uniform in the logarithm
///   dropout        0 to 0.7, uniform
///   shift          0 to 4
/// Epochs and patience are taken from `base`.
DCGAN_EXPORT SupervisedOptions draw_supervised(const SupervisedOptions& base, const ArchitectureOptions& architecture,
                                               uint64_t seed);

struct SupervisedEpoch {
  int64_t epoch = 0;            ///< from 1
  double training_loss = 0;     ///< mean over the epoch, nats
  double validation_error = 1;  ///< of the last validation so far
};

/// One training. The architecture's ndf is the options'.
struct SupervisedRun {
  ArchitectureOptions architecture;
  SupervisedOptions options;
  uint64_t seed = 42;
  int64_t threads = 0;                                         ///< 0: LibTorch's default
  std::string device = "auto";                                 ///< auto, cpu, cuda or cuda:N
  std::function<void(const SupervisedEpoch& epoch)> on_epoch;  ///< may be empty; may throw to stop
};

/// Trains on labelled images until the validation error has not fallen for `patience` epochs. It validates after every
/// fifth epoch and the last, with batch-norm statistics of the training images.
/// @param training, validation  uint8 [N, H, W, 3] with labels 0 to classes - 1
/// @return the epoch with the lowest validation error, the first of equal ones; a training that diverges ends there
DCGAN_EXPORT SupervisedEpoch train_supervised(const SupervisedRun& run, const ImageBatch& training,
                                              const ImageBatch& validation, int64_t classes);

}  // namespace dcgan
