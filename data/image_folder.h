#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "data/image_source.h"

namespace dcgan::data {

/// Image files on disk, in order.
struct ImageList {
  std::string root;                  ///< folder that the paths are relative to; empty: the current directory
  std::vector<std::string> paths;    ///< [N], as recorded
  std::vector<int32_t> labels;       ///< [N], or empty
  std::vector<std::string> classes;  ///< [K] in byte order
  std::vector<std::string> notes;    ///< one line each, for the log: why there are no labels, ...

  int64_t count() const { return static_cast<int64_t>(paths.size()); }
  std::string file(int64_t i) const;  ///< where image i is opened
};

/// Lists files and folders. Folders are searched recursively, through symbolic links too, in byte order of the relative
/// paths; files that are no images by their extension are passed over.
///
/// Paths are relative to the folder where one folder is named, and as given (folder/...) where there are several
/// inputs. The label is the first folder below the named one. Where images lie directly in a named folder, or files are
/// named, there are no labels, and a note says so if there are class folders beside them.
/// @throws FileError for a missing input, a folder that cannot be read, a folder without images (the message lists the
///         extensions looked for).
ImageList list_images(const std::vector<std::string>& inputs);

/// Paths below one folder (or archive) in the given order, with labels as above.
/// @param folder  for ImageList::root and the notes
ImageList labelled_list(std::vector<std::string> paths, const std::string& folder);

/// The images that a list names, one path a line, relative to `folder` (empty: the current directory). The order is
/// that of the list. Labels as above, from the first folder of each path, where `folder` is named.
/// @param name  of the list, for messages
/// @throws FileError if the list is empty.
ImageList read_image_list(std::istream& lines, const std::string& name, const std::string& folder);

/// A list as a data set, wherever its images lie.
class ListedImages : public ImageSource {
 public:
  ListedImages(ImageList list, const DecodeOptions& options) : list_(std::move(list)), options_(options) {
    check(options);
  }

  int64_t count() const override { return list_.count(); }
  std::string path(int64_t i) const override { return list_.paths[static_cast<size_t>(i)]; }
  const std::vector<std::string>& classes() const override { return list_.classes; }
  int32_t label(int64_t i) const override { return list_.labels[static_cast<size_t>(i)]; }

 protected:
  const ImageList& list() const { return list_; }
  const DecodeOptions& options() const { return options_; }

 private:
  ImageList list_;
  DecodeOptions options_;
};

/// The files of a list.
class FolderImages : public ListedImages {
 public:
  using ListedImages::ListedImages;
  std::vector<DecodedImage> load(int64_t first, int64_t count) const override;
  std::string description() const override;
};

}  // namespace dcgan::data
