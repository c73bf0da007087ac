#pragma once

#include <memory>
#include <string>

#include "data/image_folder.h"

namespace dcgan::data {

/// A folder with data.mdb, or the file itself, opened to be read where it lies (liblmdb). Nothing is written beside it
/// and no lock is taken: it must not change meanwhile. Safe for concurrent use.
class LmdbFile {
 public:
  /// @throws FileError if it is no LMDB, is cut short, is empty, or its first values are no images.
  explicit LmdbFile(const std::string& path);
  ~LmdbFile();
  LmdbFile(LmdbFile&&) noexcept;

  /// All keys, in their byte order, which is that of the file.
  std::vector<std::string> keys() const;
  /// The images of keys first .. first + count - 1 of a list.
  std::vector<DecodedImage> load(const ImageList& list, int64_t first, int64_t count,
                                 const DecodeOptions& options) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Image files as values of an LMDB, as LSUN ships them (fyu/lsun: keys of 40 hexadecimal digits, values in WebP).
class LmdbImages : public ListedImages {
 public:
  /// @param list  of keys; one that is not there is a failure
  LmdbImages(ImageList list, LmdbFile file, const DecodeOptions& options)
      : ListedImages(std::move(list), options), file_(std::move(file)) {}

  std::vector<DecodedImage> load(int64_t first, int64_t count) const override {
    return file_.load(list(), first, count, options());
  }
  std::string description() const override;
  std::vector<std::string> files() const override { return {list().root, list().root + "/data.mdb"}; }

 private:
  LmdbFile file_;
};

/// Whether it is a folder with data.mdb, a file that ends in .mdb, or one with the first bytes of an LMDB.
bool is_lmdb(const std::string& path);

}  // namespace dcgan::data
