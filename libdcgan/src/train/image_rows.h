#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "dcgan/architecture.h"
#include "dcgan/packed_images.h"

namespace dcgan::train {

/// Images made smaller by a whole factor: the bytes that dcgan-prepare --size gives, which interpolates between the
/// pixels around the centre of each square.
/// @param pixels  uint8 [N, side, side, 3]   @return uint8 [N, size, size, 3]
at::Tensor reduced(const at::Tensor& pixels, int64_t size);

/// Where the images of a training are: in the memory of its device, in the host's, or in their packed file.
enum class ImagePlace { kDevice, kHost, kFile };

/// Training images by their numbers. Of a file, rows are read when they are asked for. The rows are the same.
class ImageRows {
 public:
  /// @param images  must outlive this where they stay in their file
  ImageRows(const PackedImageReader& images, ImagePlace place, c10::Device device);

  int64_t count() const { return count_; }  ///< N
  bool in_file() const { return file_ != nullptr; }
  /// The images of these numbers, in their order: float32 [count, C, H, W], channels last in memory.
  /// @throws FileError if a row cannot be read
  at::Tensor at(const int64_t* numbers, int64_t count) const { return on_device(pixels_at(numbers, count)); }

  /// The two halves of at(). Of a file the first only reads, on any thread, but no two files at once.
  /// @return as they are packed, whatever their size: uint8 [count, side, side, 3]
  at::Tensor pixels_at(const int64_t* numbers, int64_t count) const;
  at::Tensor on_device(const at::Tensor& pixels) const;

  /// on_device() reduces the images to this many pixels a side from now on.
  void reduce_to(int64_t size) { size_ = size; }
  /// on_device() makes a network's input of them as these options say; without, the published one.
  void scale_as(const InputOptions& input) { input_ = input; }

 private:
  int64_t count_;
  int64_t size_;
  c10::Device device_;
  const PackedImageReader* file_;  ///< null: in memory
  InputOptions input_;
  at::Tensor pixels_;  ///< uint8 [N, H, W, 3], on the host or the device
};

}  // namespace dcgan::train
