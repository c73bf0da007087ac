#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <future>
#include <utility>
#include <vector>

#include "train/image_rows.h"

namespace dcgan::train {

/// The part of `count` things in a row that one of several processes takes: the parts differ by one at most.
struct Part {
  Part(int64_t count, int64_t rank, int64_t processes)
      : first(count * rank / processes), size(count * (rank + 1) / processes - first) {}
  int64_t first, size;
};

/// The minibatch of any position in the shuffled stream of training images: a function of seed and position alone, so
/// that a training can go on anywhere.
class Minibatches {
 public:
  /// @param batch_size  of all processes together
  Minibatches(ImageRows images, int64_t batch_size, uint64_t seed)
      : images_(std::move(images)), batch_size_(batch_size), seed_(seed) {}

  const ImageRows& images() const { return images_; }
  void reduce_to(int64_t size) { images_.reduce_to(size); }              ///< as ImageRows::reduce_to()
  void scale_as(const InputOptions& input) { images_.scale_as(input); }  ///< as ImageRows::scale_as()

  /// at() gives this process's part of each minibatch from now on.
  void divide(int64_t rank, int64_t processes) {
    rank_ = rank;
    processes_ = processes;
  }
  /// Another order from now on.
  void reseed(uint64_t seed) {
    seed_ = seed;
    epoch_ = -1;
    ahead_ = {};
  }

  /// The last minibatch may be short; where a process would have a single image it is left out, as the generator's
  /// batch norm over N needs two.
  int64_t per_epoch() const {
    return images_.count() / batch_size_ + (images_.count() % batch_size_ >= least_ * processes_ ? 1 : 0);
  }
  /// Images that a process must have of the last one.
  void set_least(int64_t images) { least_ = images; }
  /// Number of images of a minibatch, all processes together.
  int64_t size_of(int64_t position) const;
  Part part_of(int64_t size) const { return {size, rank_, processes_}; }
  /// Minibatch `position` (0, 1, ...), this process's part of it, as ImageRows::at() and pixels_at() give it.
  at::Tensor at(int64_t position);
  at::Tensor pixels_at(int64_t position);

  /// Where images are in their file: begins to read minibatch `position` on a thread; the next at() or pixels_at() of
  /// it has it from there, and throws what failed. Until wait() returns nothing else may read HDF5 files.
  void read_ahead(int64_t position);
  void wait() const {
    if (ahead_.pixels.valid()) ahead_.pixels.wait();
  }

 private:
  struct Ahead {
    int64_t position = -1;
    std::future<at::Tensor> pixels;
  };
  std::vector<int64_t> numbers_of(int64_t position);

  ImageRows images_;
  int64_t batch_size_;
  uint64_t seed_;
  int64_t rank_ = 0, processes_ = 1;
  int64_t least_ = 2;
  int64_t epoch_ = -1;
  std::vector<int64_t> order_;
  Ahead ahead_;
};

}  // namespace dcgan::train
