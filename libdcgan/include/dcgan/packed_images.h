#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/images.h"
#include "dcgan/output_mode.h"

namespace dcgan {

/// What a packed image file says of itself. HDF5: /images uint8 [N, H, W, 3] RGB, /paths, /labels, /classes,
/// /failures/{path,reason}; root attributes format = "dcgan-images", format_version, preparation, input_list,
/// library_version, command_line, created, complete.
struct PackedImagesInfo {
  int64_t height = 32;
  int64_t width = 32;
  std::vector<std::string> classes;  ///< [K] in byte order; empty where the images have no labels
  std::string preparation = "{}";    ///< JSON object: source, resize, crop, seed, ... : how the pixels were made
  std::string input_list;            ///< hash of the names of all inputs, in order; empty: unknown
  std::string command_line;
};

/// Writes images in order of rows to `path`.partial; close() renames it to `path`.
///
/// Killed at any moment, even in close(), a writer opened with kResume goes on after the rows of the last flush();
/// paths, labels and failures wait in `path`.partial.journal until close(). Memory does not grow with N. A full disk is
/// a FileError that says what is kept. Not safe for concurrent use; a second process on the same `path` is refused.
class DCGAN_EXPORT PackedImageWriter {
 public:
  using Mode = OutputMode;

  /// @throws FileError if `path` exists (kCreate), if `path`.partial exists (kCreate; the message names --resume and
  ///         --overwrite), if a resumed file was made with other information (the message says which field differs).
  PackedImageWriter(const std::string& path, const PackedImagesInfo& info, Mode mode = Mode::kCreate);
  ~PackedImageWriter();  ///< without close() the partial file stays, flushed

  /// What the constructor would say of the files that are there already, before anything is computed.
  /// @throws FileError
  static void check_output(const std::string& path, Mode mode);

  int64_t count() const;          ///< rows written, including those of the run that was resumed
  int64_t failure_count() const;  ///< failures written, likewise
  int64_t warning_count() const;  ///< warnings written, likewise
  int64_t inputs_done() const;    ///< inputs accounted for: images and failures
  /// Notes, for images of the next append(), harmless damage of their files.
  void warn(const std::vector<Failure>& warnings);
  /// Appends images, which are flushed now and then; labels are required if and only if the file has classes; -1: none.
  /// `inputs_done` counts the inputs that are accounted for once these images and failures are safe.
  /// @throws FileError if the disk is full
  void append(const ImageBatch& images, const std::vector<Failure>& failures = {}, int64_t inputs_done = 0);
  void flush();
  void close();
  /// Removes the partial file and what is beside it.
  void discard();

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
  const std::vector<int32_t>& labels() const;     ///< [N], or empty; -1 where there are classes: none
  std::vector<Failure> failures() const;
  std::vector<Failure> warnings() const;  ///< harmless damage of files whose images are here

  /// Rows first .. first + count - 1 into `pixels`, uint8 [count, H, W, 3].
  void read(int64_t first, int64_t count, uint8_t* pixels) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether the file starts with the HDF5 signature (a packed image file rather than an image).
DCGAN_EXPORT bool is_hdf5_file(const std::string& path);

}  // namespace dcgan
