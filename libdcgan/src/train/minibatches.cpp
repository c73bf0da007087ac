#include "train/minibatches.h"

#include <algorithm>

#include "dcgan/seeds.h"

namespace dcgan::train {

int64_t Minibatches::size_of(int64_t position) const {
  return std::min(batch_size_, images_.count() - position % per_epoch() * batch_size_);
}

at::Tensor Minibatches::at(int64_t position) { return images_.on_device(pixels_at(position)); }

at::Tensor Minibatches::pixels_at(int64_t position) {
  if (position == ahead_.position) return std::exchange(ahead_, {}).pixels.get();
  const std::vector<int64_t> numbers = numbers_of(position);
  return images_.pixels_at(numbers.data(), static_cast<int64_t>(numbers.size()));
}

void Minibatches::read_ahead(int64_t position) {
  if (!images_.in_file()) return;
  ahead_ = {position, std::async(std::launch::async, [this, numbers = numbers_of(position)] {
              return images_.pixels_at(numbers.data(), static_cast<int64_t>(numbers.size()));
            })};
}

// Of this process's images.
std::vector<int64_t> Minibatches::numbers_of(int64_t position) {
  const int64_t epoch = position / per_epoch();
  if (epoch != epoch_) {
    order_ = shuffled_indices(images_.count(), derive_seed(seed_, "shuffle", static_cast<uint64_t>(epoch)));
    epoch_ = epoch;
  }
  const Part part = part_of(size_of(position));
  const auto first = order_.begin() + position % per_epoch() * batch_size_ + part.first;
  return {first, first + part.size};
}

}  // namespace dcgan::train
