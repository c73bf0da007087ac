#include "train/image_rows.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "nn/device.h"
#include "nn/networks.h"

namespace dcgan::train {
namespace {

at::Tensor room_for(const PackedImageReader& images, int64_t count) {
  return at::empty({count, images.info().height, images.info().width, 3}, at::kByte);
}

}  // namespace

ImageRows::ImageRows(const PackedImageReader& images, bool in_memory, c10::Device device)
    : count_(images.count()), device_(device), file_(in_memory ? nullptr : &images) {
  if (!in_memory) return;
  pixels_ = room_for(images, count_);
  images.read(0, count_, pixels_.data_ptr<uint8_t>());
  pixels_ = pixels_.to(device);
}

at::Tensor ImageRows::read(const int64_t* numbers, int64_t count) const {
  std::vector<int64_t> places(static_cast<size_t>(count));
  std::iota(places.begin(), places.end(), 0);
  // A disk goes one way.
  std::sort(places.begin(), places.end(), [&](int64_t a, int64_t b) { return numbers[a] < numbers[b]; });
  at::Tensor pixels = room_for(*file_, count);
  for (const int64_t place : places) file_->read(numbers[place], 1, pixels.select(0, place).data_ptr<uint8_t>());
  return nn::to_device(pixels, device_);
}

at::Tensor ImageRows::at(const int64_t* numbers, int64_t count) const {
  if (file_ != nullptr) return nn::images_from_pixels(read(numbers, count));
  const at::Tensor indices = at::from_blob(const_cast<int64_t*>(numbers), {count}, at::kLong);
  return nn::images_from_pixels(pixels_.index_select(0, nn::to_device(indices, device_)));
}

}  // namespace dcgan::train
