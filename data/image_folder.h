#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/archive.h"
#include "data/image_source.h"
#include "data/input_options.h"
#include "data/input_rules.h"

namespace dcgan::data {

/// The images that were named, in order: files, and members of archives.
struct ImageList {
  /// Of a run of consecutive images what their classes are told by.
  struct Part {
    int64_t first = 0;   ///< number of the first image
    std::string named;   ///< what the user named; empty: the paths stand for themselves
    size_t skipped = 0;  ///< characters at the beginning of each path that name no class
  };
  struct Place {
    const Archive* archive = nullptr;  ///< null: a file on disk
    const ArchiveMember* member = nullptr;
  };

  std::string root;                           ///< folder that the paths are relative to; empty: the current directory
  std::vector<std::string> paths;             ///< [N], as recorded
  std::vector<int32_t> labels;                ///< [N], or empty; -1: none
  std::vector<std::string> classes;           ///< [K] in byte order
  std::vector<std::string> notes;             ///< one line each, for the log: why there are no labels, ...
  PassedOver passed_over;                     ///< what is no image of the list, and might have been meant to be
  std::vector<Part> parts;                    ///< in order; the first begins at 0
  std::map<std::string, std::string> failed;  ///< path to reason, of those that failed already: folders, ...
  std::vector<std::shared_ptr<const Archive>> archives;
  std::vector<std::string> archive_files;  ///< paths of these
  std::vector<Place> places;               ///< [N], or empty where there are no archives

  int64_t count() const { return static_cast<int64_t>(paths.size()); }
  std::string file(int64_t i) const;  ///< where image i is opened
};

/// Lists files, folders and archives. Folders are searched recursively, through symbolic links too, in byte order of
/// the relative paths; InputRules decide which files in them are taken. A folder that cannot be listed is an input that
/// failed.
///
/// Paths are relative to the folder where one folder is named, and as given (folder/...) where there are several
/// inputs. An archive counts as a folder of its name, without ".tar" or ".zip"; those of a folder are looked into where
/// it holds no image beside them. Archives with numbers for names (00000.tar, train-0001.tar) are parts of one set:
/// their names are no classes. Labels are those of label_images() (data/labels.h).
/// @throws FileError for a missing input, a named folder that cannot be read, a folder or archive without images (the
///         message lists the extensions looked for), a file that holds images and is not read.
ImageList list_images(const std::vector<std::string>& inputs, const InputOptions& options = {});

/// Paths below one folder in the given order, with labels.
/// @param folder  for ImageList::root and the notes
ImageList labelled_list(std::vector<std::string> paths, const std::string& folder, const InputOptions& options = {});

/// The images that a list names, one path a line, relative to `folder` (empty: the current directory), which may be an
/// archive. The order is that of the list.
struct NamedList {
  std::string name;    ///< of the list, for messages
  std::string folder;  ///< that the paths are relative to
};
/// @throws FileError if the list is empty, or no UTF-8
ImageList read_image_list(std::istream& lines, const NamedList& list, const InputOptions& options = {});

/// A list as a data set, wherever its images lie.
class ListedImages : public ImageSource {
 public:
  /// @throws Error if libdcgan_images.so, which decodes them, cannot be used
  ListedImages(ImageList list, const DecodeOptions& options);

  int64_t count() const override { return list_.count(); }
  std::string path(int64_t i) const override { return list_.paths[i]; }
  const std::vector<std::string>& classes() const override { return list_.classes; }
  int32_t label(int64_t i) const override { return list_.labels[i]; }
  std::vector<std::string> files() const override;  ///< each image's, and what is the root of them all

 protected:
  const ImageList& list() const { return list_; }
  const DecodeOptions& options() const { return options_; }

 private:
  ImageList list_;
  DecodeOptions options_;
};

/// The files, and the members of archives, of a list.
class FolderImages : public ListedImages {
 public:
  using ListedImages::ListedImages;
  std::vector<DecodedImage> load(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  DecodedImage load_one(int64_t i) const;
};

}  // namespace dcgan::data
