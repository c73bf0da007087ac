#include "train/minibatches.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "dcgan/seeds.h"
#include "nn/networks.h"

namespace dcgan::train {

Minibatches::Minibatches(const PackedImageReader& images, int64_t batch_size, uint64_t seed, c10::Device device)
    : count_(images.count()), batch_size_(batch_size), seed_(seed) {
  pixels_ = at::empty({count_, images.info().height, images.info().width, 3}, at::kByte);
  images.read(0, count_, pixels_.data_ptr<uint8_t>());
  pixels_ = pixels_.to(device);
}

int64_t Minibatches::size_of(int64_t position) const {
  return std::min(batch_size_, count_ - position % per_epoch() * batch_size_);
}

at::Tensor Minibatches::at(int64_t position) {
  const int64_t epoch = position / per_epoch();
  if (epoch != epoch_) {
    order_ = shuffled_indices(count_, derive_seed(seed_, "shuffle", static_cast<uint64_t>(epoch)));
    epoch_ = epoch;
  }
  const Part part = part_of(size_of(position));
  return rows(order_.data() + position % per_epoch() * batch_size_ + part.first, part.size);
}

at::Tensor Minibatches::rows(const int64_t* first, int64_t count) const {
  const at::Tensor indices = at::from_blob(const_cast<int64_t*>(first), {count}, at::kLong).to(pixels_.device());
  return nn::images_from_pixels(pixels_.index_select(0, indices));
}

}  // namespace dcgan::train
