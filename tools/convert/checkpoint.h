#pragma once

#include <string>

#include "dcgan/model_file.h"
#include "tools/shared/statistics_images.h"

namespace dcgan::convert_tool {

/// Whether a file is a checkpoint of dcgan-train.
bool is_checkpoint(const std::string& path);

/// A checkpoint's networks (the averaged ones, if weights are averaged), with the record of their training. Its
/// batch-norm statistics are still to be inferred: mean 0, variance 1.
/// @param path  in the folder `checkpoints` of its run
/// @throws FileError if the run's options.json is not there
struct CheckpointModel {
  ModelFile model;
  /// The images, their number and their order, that the training infers statistics from.
  tools::StatisticsOptions statistics;
  uint64_t seed = 0;
};
CheckpointModel model_of_checkpoint(const std::string& path);

}  // namespace dcgan::convert_tool
