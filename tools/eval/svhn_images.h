#pragma once

#include <string>

#include "tools/eval/protocol_images.h"

namespace dcgan::eval_tool {

/// Reads the official train_32x32.mat and test_32x32.mat, or a folder of images with labels.csv (columns file, label
/// and, where known, house), whole or below train/ and test/. One folder is divided 3 to 2, by house where there are
/// houses, so that no house is on both sides; the notes say so.
/// @throws FileError naming the file, and the image in labels.csv, that is wrong.
ProtocolImages load_svhn(const std::string& folder, int64_t size, const cli::CommonOptions& common);

}  // namespace dcgan::eval_tool
