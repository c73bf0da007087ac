#pragma once

#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <new>
#include <string>

#include "dcgan/errors.h"
#include "dcgan/packed_images.h"
#include "dcgan/trainer.h"

namespace dcgan::train {

/// What a training keeps on its device, bytes, by what can be counted: images; weights, gradients and Adam's moments;
/// activations, before and after batch norm, of the larger of the two updates (real and generated images pass the
/// discriminator side by side). Libraries' own workspace comes on top.
struct MemoryNeed {
  int64_t images, all;
};
MemoryNeed memory_need(const TrainingRun& run, const PackedImageReader& images);

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
