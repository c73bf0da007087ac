#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/images.h"

namespace dcgan {

/// What a packed image file says of itself. HDF5: /images uint8 [N, H, W, 3] RGB, /paths, /labels, /classes,
/// /failures/{path,reason}; root attributes format = "dcgan-images", format_version, preparation, library_version,
/// command_line, created, complete.
struct PackedImagesInfo {
  int64_t height = 32;
  int64_t width = 32;
  std::vector<std::string> classes;  ///< [K] in byte order; empty where the images have no labels
  std::string preparation = "{}";    ///< JSON object: source, resize, crop, seed, ... : how the pixels were made
  std::string command_line;
};

/// Writes `path`.partial and renames it to `path` in close(). Not safe for concurrent use.
class DCGAN_EXPORT PackedImageWriter {
 public:
  /// @throws FileError if `path` exists and `overwrite` is false, or cannot be created.
  PackedImageWriter(const std::string& path, const PackedImagesInfo& info, bool overwrite = false);
  ~PackedImageWriter();  ///< without close() the partial file is removed

  /// Appends images; labels are required if and only if the file has classes.
  void append(const ImageBatch& images);
  void add_failure(const Failure& failure);
  int64_t count() const;
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads rows on demand. read() may be called from several threads (it locks).
class DCGAN_EXPORT PackedImageReader {
 public:
  /// @throws FileError if the file is missing, cut short, incomplete, or of another kind or version.
  explicit PackedImageReader(const std::string& path);
  ~PackedImageReader();
  PackedImageReader(PackedImageReader&&) noexcept;
  PackedImageReader& operator=(PackedImageReader&&) noexcept;

  const std::string& path() const;
  const PackedImagesInfo& info() const;
  int64_t count() const;                          ///< N
  const std::vector<std::string>& paths() const;  ///< [N]
  const std::vector<int32_t>& labels() const;     ///< [N], or empty
  std::vector<Failure> failures() const;

  /// Rows first .. first + count - 1 into `pixels`, uint8 [count, H, W, 3].
  void read(int64_t first, int64_t count, uint8_t* pixels) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether the file starts with the HDF5 signature (a packed image file rather than an image).
DCGAN_EXPORT bool is_hdf5_file(const std::string& path);

}  // namespace dcgan
