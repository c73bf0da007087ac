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
    : count_(images.count()), size_(images.info().height), device_(device), file_(in_memory ? nullptr : &images) {
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

at::Tensor ImageRows::pixels_at(const int64_t* numbers, int64_t count) const {
  if (file_ != nullptr) return read(numbers, count);
  const at::Tensor indices = at::from_blob(const_cast<int64_t*>(numbers), {count}, at::kLong);
  return pixels_.index_select(0, nn::to_device(indices, device_));
}

at::Tensor ImageRows::at(const int64_t* numbers, int64_t count) const {
  return nn::images_from_pixels(reduced(pixels_at(numbers, count), size_));
}

at::Tensor reduced(const at::Tensor& pixels, int64_t size) {
  const int64_t factor = pixels.size(1) / size;
  if (factor == 1) return pixels;
  // cv::resize() with INTER_LINEAR: the centre of a square of pixels is one of them, or lies between four.
  const int64_t before = (factor - 1) / 2, after = factor / 2;
  const auto every = [&](int64_t y, int64_t x) {
    return pixels.slice(1, y, {}, factor).slice(2, x, {}, factor).to(at::kShort);
  };
  return every(before, before)
      .add(every(before, after))
      .add(every(after, before))
      .add(every(after, after))
      .add(2)
      .bitwise_right_shift(2)
      .to(at::kByte);
}

}  // namespace dcgan::train
