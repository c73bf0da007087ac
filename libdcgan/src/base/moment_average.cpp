#include "base/moment_average.h"

#include "dcgan/errors.h"

namespace dcgan {

void MomentAverage::add(size_t layer, const Moments& moments) {
  if (layer >= sums_.size()) sums_.resize(layer + 1);
  Sums& sums = sums_[layer];
  sums.mean.resize(moments.mean.size());
  sums.variance.resize(moments.variance.size());
  for (size_t c = 0; c < moments.mean.size(); ++c) {
    sums.mean[c] += double{moments.mean[c]};
    sums.variance[c] += double{moments.variance[c]};
  }
  ++sums.minibatches;
}

Moments MomentAverage::average(size_t layer) const {
  const Sums& sums = sums_.at(layer);
  const auto minibatches = static_cast<double>(sums.minibatches);
  Moments result;
  for (const double sum : sums.mean) result.mean.push_back(static_cast<float>(sum / minibatches));
  for (const double sum : sums.variance) result.variance.push_back(static_cast<float>(sum / minibatches));
  return result;
}

std::string batch_norm_name(const std::string& network, size_t layer, size_t convolutions) {
  return network + (layer > convolutions ? ".bn_hidden" : text_of(".bn", layer));
}

}  // namespace dcgan
