#include "train/minibatches.h"

#include <algorithm>

#include "dcgan/seeds.h"

namespace dcgan::train {

int64_t Minibatches::size_of(int64_t position) const {
  return std::min(batch_size_, images_.count() - position % per_epoch() * batch_size_);
}

std::pair<const int64_t*, int64_t> Minibatches::numbers_at(int64_t position) {
  const int64_t epoch = position / per_epoch();
  if (epoch != epoch_) {
    order_ = shuffled_indices(images_.count(), derive_seed(seed_, "shuffle", static_cast<uint64_t>(epoch)));
    epoch_ = epoch;
  }
  const Part part = part_of(size_of(position));
  return {order_.data() + position % per_epoch() * batch_size_ + part.first, part.size};
}

at::Tensor Minibatches::at(int64_t position) {
  const auto [numbers, count] = numbers_at(position);
  return images_.at(numbers, count);
}

at::Tensor Minibatches::pixels_at(int64_t position) {
  const auto [numbers, count] = numbers_at(position);
  return images_.pixels_at(numbers, count);
}

}  // namespace dcgan::train
