#pragma once

#include <string>

#include "tools/eval/image_features.h"

namespace dcgan::eval_tool {

/// Training and test images of SVHN.
struct SvhnImages {
  LoadedImages training, test;
  std::string note;  ///< how the test images were set apart, where the data set does not say
};

/// Reads the official train_32x32.mat and test_32x32.mat, or a folder of images with labels.csv (columns file, label
/// and, where known, house), whole or below train/ and test/. One folder is divided 3 to 2, by house where there are
/// houses, so that no house is on both sides.
/// @throws FileError naming the file, and the line of labels.csv, that is wrong.
SvhnImages load_svhn(const std::string& folder, int64_t size, int64_t threads, uint64_t seed, bool quiet);

}  // namespace dcgan::eval_tool
