#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/cifar10_binary.h"
#include "data/image_decoder.h"
#include "data/image_source.h"
#include "data/input_options.h"
#include "data/input_rules.h"

namespace dcgan::data {

struct OpenedImages {
  std::unique_ptr<ImageSource> source;
  std::vector<std::string> notes;  ///< one line each, for the log
  PassedOver passed_over;          ///< what was found beside the images
};

/// The data set that a command line names: files, folders and archives (list_images), a list (read_image_list; `inputs`
/// is empty or the one folder or archive its paths are relative to), one LMDB (LmdbImages), of which a list may name
/// members, or one packed image file.
/// @throws OptionError for a combination that makes no sense, FileError as the readers do.
OpenedImages open_images(const std::vector<std::string>& inputs, const InputOptions& options,
                         const DecodeOptions& decode);

/// A split of CIFAR-10: the official binary batches (open_cifar10_binary), or class folders below folder/train or
/// folder/test, in byte order of their paths.
/// @throws FileError if `folder` holds neither, or not the ten classes.
std::unique_ptr<ImageSource> open_cifar10(const std::string& folder, CifarSplit split);

}  // namespace dcgan::data
