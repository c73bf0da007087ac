#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dcgan/export.h"

namespace dcgan {

/// Mean and biased variance of each channel of a layer.
struct Moments {
  std::vector<float> mean, variance;
};

/// The authors' rule for fixed batch-norm statistics (svhn/svhn_semisup_analysis.py), whoever runs the network: each
/// layer's mean and biased variance while the layers below are normalised with the minibatch's own; plain average over
/// the minibatches.
///
/// Layers are numbered: 0 is the generator's projection, convolutions are from 1, the hidden dense layer comes after
/// them.
class DCGAN_EXPORT MomentAverage {
 public:
  /// Of one layer and one minibatch.
  void add(size_t layer, const Moments& moments);
  bool has(size_t layer) const { return layer < sums_.size() && sums_[layer].minibatches > 0; }
  Moments average(size_t layer) const;

 private:
  struct Sums {
    std::vector<double> mean, variance;
    int64_t minibatches = 0;
  };
  std::vector<Sums> sums_;
};

/// "discriminator.bn2" and the like: the batch norm of a numbered layer in a model file.
DCGAN_EXPORT std::string batch_norm_name(const std::string& network, size_t layer, size_t convolutions);

}  // namespace dcgan
