#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/cifar10_binary.h"
#include "data/image_decoder.h"
#include "data/image_source.h"

namespace dcgan::data {

/// How the images that a command line names are found.
struct InputOptions {
  std::string list;         ///< file with one path a line, or "-" for standard input; empty: none
  bool unlabelled = false;  ///< class folders give no labels
};

template <class Visitor>
void describe(InputOptions& o, Visitor&& f) {
  f(o.list, "list", "take only the images that FILE names, one path a line, relative to the folder; - reads stdin");
  f(o.unlabelled, "unlabelled", "no labels, whatever the folders are called");
}

struct OpenedImages {
  std::unique_ptr<ImageSource> source;
  std::vector<std::string> notes;  ///< one line each, for the log
};

/// The data set that a command line names: files and folders (list_images), a list (read_image_list; `inputs` is empty
/// or the one folder its paths are relative to), one tar archive (TarImages) or LMDB (LmdbImages), of which a list may
/// name members, or one packed image file.
/// @throws OptionError for a combination that makes no sense, FileError as the readers do.
OpenedImages open_images(const std::vector<std::string>& inputs, const InputOptions& options,
                         const DecodeOptions& decode);

/// A split of CIFAR-10: the official binary batches (open_cifar10_binary), or class folders below folder/train or
/// folder/test, in byte order of their paths.
/// @throws FileError if `folder` holds neither, or not the ten classes.
std::unique_ptr<ImageSource> open_cifar10(const std::string& folder, CifarSplit split);

}  // namespace dcgan::data
