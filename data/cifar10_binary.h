#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "data/image_source.h"
#include "dcgan/images.h"
#include "dcgan/options.h"

namespace dcgan::data {

enum class CifarSplit { kTrain, kTest };

}  // namespace dcgan::data

namespace dcgan {

template <>
struct EnumNames<data::CifarSplit> {
  static constexpr std::array<std::string_view, 2> kNames = {"train", "test"};
};

}  // namespace dcgan

namespace dcgan::data {

constexpr int64_t kCifarSide = 32;
constexpr int64_t kCifarClasses = 10;
constexpr int64_t kCifarBatchImages = 10'000;  // per file of the binary version (cs.toronto.edu/~kriz/cifar.html)
constexpr int64_t kCifarRecordBytes = 1 + 3 * kCifarSide * kCifarSide;
static_assert(kCifarRecordBytes == 3073);

/// Reads one file of the binary version: 10,000 records of a label byte and 3,072 bytes of R, G and B planes, then the
/// end of the file. Paths are "data_batch_1/00000", ....
/// @throws FileError for another length (found and expected) or a label above 9 (which record).
ImageBatch read_cifar10_batch(const std::string& path);

/// The official binary batches as a data set in memory (150 MB for training): data_batch_1 to 5.bin (train) or
/// test_batch.bin (test), in official order. Classes from batches.meta.txt, or the official list where that is missing.
/// @param folder  cifar-10-batches-bin or the folder around it
/// @throws FileError naming the batch that is missing or damaged.
std::unique_ptr<ImageSource> open_cifar10_binary(const std::string& folder, CifarSplit split);

/// Whether `folder`, or cifar-10-batches-bin in it, holds a batch of the binary version.
bool is_cifar10_binary(const std::string& folder);

}  // namespace dcgan::data
