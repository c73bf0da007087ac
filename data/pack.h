#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "data/class_counts.h"
#include "data/image_pipeline.h"
#include "data/image_source.h"
#include "data/preparation.h"
#include "dcgan/images.h"
#include "dcgan/output_mode.h"

namespace dcgan::data {

/// How a packed image file is made.
struct PackJob {
  std::string output;
  OutputMode mode = OutputMode::kCreate;
  Preparation preparation = resize_preparation({});
  int64_t threads = 1;
  uint64_t seed = 0;         ///< recorded; the source has used it
  std::string command_line;  ///< recorded
  std::function<void(const Failure& failure)> on_failure = [](const Failure&) {};
  std::function<void(int64_t done, int64_t total)> on_progress = [](int64_t, int64_t) {};
  /// Asked after every block; true ends the job, to be resumed.
  std::function<bool()> should_stop = [] { return false; };
};

struct PackResult {
  int64_t images = 0;
  ClassCounts classes;                     ///< of the images
  std::map<std::string, int64_t> remarks;  ///< DecodedImage::remark of how many inputs of this run
  int64_t failures = 0;                    ///< with those of the run that was resumed
  int64_t warnings = 0;                    ///< likewise
  int64_t resumed_at = 0;                  ///< inputs that were done before
  PipelineTimes times;
  bool stopped = false;  ///< by should_stop; the output is partial
};

/// Decodes and prepares a data set into a packed image file, in its order. Inputs that fail are listed in the file.
/// A killed job goes on with kResume to the same rows.
/// @throws FileError if the output cannot be written, Error if every input failed.
PackResult pack_images(const ImageSource& source, const PackJob& job);

}  // namespace dcgan::data
