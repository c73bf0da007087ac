#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/feature_file.h"

namespace dcgan {

struct MergeJob {
  std::string output;
  std::vector<std::string> parts;  ///< feature files of one extraction (FeatureFileInfo::inputs), in any order
  bool virtual_rows = false;       ///< /features is an HDF5 virtual dataset over the parts, which must stay in place
  FeatureFileWriter::Mode mode = FeatureFileWriter::Mode::kCreate;
  std::function<void(int64_t done, int64_t total)> on_progress = [](int64_t, int64_t) {};  ///< in inputs
  std::function<bool()> should_stop = [] { return false; };  ///< asked between blocks; kResume goes on
};

struct MergeResult {
  int64_t rows = 0;
  int64_t failures = 0;
  int64_t unlabelled = 0;  ///< of the rows
  bool stopped = false;
};

/// Puts the parts of one extraction together: every dataset is that of an extraction in one piece. The attributes are
/// those of the first part, its command line included, but for the range of the inputs. Memory does not grow with the
/// rows.
/// @throws FileError naming the parts if they differ in model, layers, preprocessing, storage, classes or input list,
///         if inputs lie in no part or in two, or if the output is one of the parts; and as FeatureFileWriter does.
DCGAN_EXPORT MergeResult merge_features(const MergeJob& job);

}  // namespace dcgan
