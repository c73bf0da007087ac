#include "train/minibatches.h"

#include <algorithm>

#include "dcgan/seeds.h"

namespace dcgan::train {

int64_t Minibatches::size_of(int64_t position) const {
  return std::min(batch_size_, images_.count() - position % per_epoch() * batch_size_);
}

at::Tensor Minibatches::at(int64_t position) {
  const int64_t epoch = position / per_epoch();
  if (epoch != epoch_) {
    order_ = shuffled_indices(images_.count(), derive_seed(seed_, "shuffle", static_cast<uint64_t>(epoch)));
    epoch_ = epoch;
  }
  const Part part = part_of(size_of(position));
  return images_.at(order_.data() + position % per_epoch() * batch_size_ + part.first, part.size);
}

}  // namespace dcgan::train
