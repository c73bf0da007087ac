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

constexpr int64_t kPiece = 16384;  // images

at::Tensor room_for(const PackedImageReader& images, int64_t count, c10::Device device) {
  return at::empty({count, images.info().height, images.info().width, 3}, at::TensorOptions(at::kByte).device(device));
}

}  // namespace

ImageRows::ImageRows(const PackedImageReader& images, ImagePlace place, c10::Device device)
    : count_(images.count()),
      size_(images.info().height),
      device_(device),
      file_(place == ImagePlace::kFile ? &images : nullptr) {
  if (file_ != nullptr) return;
  const c10::Device home = place == ImagePlace::kDevice ? device : c10::Device(c10::kCPU);
  pixels_ = room_for(images, count_, home);
  // In pieces: the host may have less room than the device.
  for (int64_t first = 0; first < count_; first += kPiece) {
    const int64_t size = std::min(kPiece, count_ - first);
    const at::Tensor here = pixels_.narrow(0, first, size);
    const at::Tensor piece = home.is_cpu() ? here : room_for(images, size, c10::kCPU);
    images.read(first, size, piece.data_ptr<uint8_t>());
    if (!home.is_cpu()) here.copy_(piece);
  }
}

at::Tensor ImageRows::pixels_at(const int64_t* numbers, int64_t count) const {
  if (file_ == nullptr) {
    const at::Tensor indices = at::from_blob(const_cast<int64_t*>(numbers), {count}, at::kLong);
    return pixels_.index_select(0, nn::to_device(indices, pixels_.device()));
  }
  std::vector<int64_t> places(count);
  std::iota(places.begin(), places.end(), 0);
  // A disk goes one way.
  std::sort(places.begin(), places.end(), [&](int64_t a, int64_t b) { return numbers[a] < numbers[b]; });
  at::Tensor pixels = room_for(*file_, count, c10::kCPU);
  for (const int64_t place : places) file_->read(numbers[place], 1, pixels.select(0, place).data_ptr<uint8_t>());
  return pixels;
}

at::Tensor ImageRows::on_device(const at::Tensor& pixels) const {
  return nn::images_from_pixels(reduced(nn::to_device(pixels, device_), size_), input_);
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
