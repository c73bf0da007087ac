#pragma once

#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <new>
#include <optional>
#include <string>

#include "dcgan/errors.h"
#include "dcgan/packed_images.h"
#include "dcgan/trainer.h"
#include "train/image_rows.h"

namespace dcgan::train {

/// What a training needs, bytes, by what can be counted.
struct MemoryNeed {
  int64_t images;  ///< all of them, wherever they are
  /// Weights, gradients and Adam's moments; activations, before and after batch norm, of the larger of the two updates
  /// (real and generated images pass the discriminator side by side). Libraries' own workspace comes on top.
  int64_t steps;
};
MemoryNeed memory_need(const TrainingRun& run, const PackedImageReader& images);

/// Where the images of a training go: on a GPU into its memory if that has room for them beside the steps.
/// @param free  bytes of the device that nobody uses; nothing for a CPU, whose memory run.images_in_memory speaks of
ImagePlace place_of_images(const TrainingRun& run, const MemoryNeed& need, std::optional<int64_t> free);

/// Where memory is promised before it is there, the system would kill a process that uses more, without a word.
/// @throws Error if a training on a CPU needs more than run.available_memory
void check_memory(const TrainingRun& run, const PackedImageReader& images, c10::Device device);

/// The error of a device without enough memory, which says how much is needed.
Error not_enough_memory(const TrainingRun& run, const PackedImageReader& images, const std::string& what);

/// @return what `work` returns; that there is not enough memory becomes not_enough_memory()
template <class Work>
auto naming_the_memory(const TrainingRun& run, const PackedImageReader& images, const Work& work) {
  try {
    return work();
  } catch (const c10::OutOfMemoryError& e) {
    const std::string text = e.what_without_backtrace();
    throw not_enough_memory(run, images, text.substr(0, text.find('\n')));
  } catch (const std::bad_alloc&) {
    throw not_enough_memory(run, images, "the system gave no more");
  }
}

}  // namespace dcgan::train
