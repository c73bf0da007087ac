#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/float_storage.h"
#include "dcgan/images.h"
#include "dcgan/output_mode.h"

namespace dcgan {

/// Which of its inputs a file covers: parts of one list can be put together again (dcgan/feature_merge.h).
struct InputRange {
  std::string list;   ///< hash of the paths of the whole list, in order
  int64_t first = 0;  ///< number of the first input, from 0
  int64_t count = 0;  ///< inputs of this file: its rows and its failures
  int64_t total = 0;  ///< inputs of the whole list; 0: unknown
};

/// How the features of a file were made; every field becomes a root attribute of the same name, but for `classes`
/// (a dataset), `storage` (the type of /features) and `inputs` (attributes input_list, first_input, input_count and
/// input_total).
struct FeatureFileInfo {
  int64_t feature_count = 0;           ///< D
  std::string model_sha256;            ///< of the model file
  std::string architecture = "{}";     ///< JSON, see ArchitectureOptions
  std::vector<int64_t> layers;         ///< 1-based convolutions, lowest first
  std::vector<int64_t> layer_offsets;  ///< [layers + 1] first column of each layer; the last entry is D
  int64_t grid = 4;                    ///< side that each map was max-pooled to
  std::string preprocessing = "{}";    ///< JSON: resize, crop, decode, statistics, ...
  std::string options;  ///< JSON: what the extraction was asked for, so that rows can be made again; empty: not known
  std::string command_line;
  uint64_t seed = 0;
  InputRange inputs;
  std::vector<std::string> classes;  ///< [K] in byte order; empty where the images have no labels
  FloatStorage storage = FloatStorage::kFloat32;
};

/// Writes features in order of rows to `path`.partial; close() renames it to `path`.
///
/// Killed at any moment, even in close(), a writer opened with kResume goes on after the rows of the last flush();
/// paths, labels and failures wait in `path`.partial.journal until close(). Memory does not grow with N. A full disk is
/// a FileError that says what is kept. Not safe for concurrent use; a second process on the same `path` is refused.
class DCGAN_EXPORT FeatureFileWriter {
 public:
  using Mode = OutputMode;

  /// @param info  the file is laid out for info.inputs.count rows
  /// @throws FileError if `path` exists (kCreate), if `path`.partial exists (kCreate; the message names --resume and
  ///         --overwrite), if a resumed file was made with other information (the message says which field differs).
  FeatureFileWriter(const std::string& path, const FeatureFileInfo& info, Mode mode);
  ~FeatureFileWriter();  ///< without close() the partial file stays, flushed

  /// What the constructor would say of the files that are there already, before anything is computed.
  /// @throws FileError
  static void check_output(const std::string& path, Mode mode);

  int64_t rows() const;         ///< rows written, including those of the run that was resumed
  int64_t inputs_done() const;  ///< inputs accounted for: rows and failures
  int64_t warnings() const;     ///< that were noted, including those of the run that was resumed
  /// Notes, for rows of the next append(), harmless damage of their files.
  void warn(const std::vector<Failure>& warnings);
  /// Appends rows: float32 [paths.size(), D]; labels as in PackedImageWriter. `inputs_done` counts the inputs that are
  /// accounted for once these rows and failures are safe.
  /// @throws FileError if the disk is full, or float16 cannot hold a value (the message names the image)
  void append(const float* rows, const std::vector<std::string>& paths, const std::vector<int32_t>& labels,
              const std::vector<Failure>& failures, int64_t inputs_done);
  /// Rows that were written, by this run or by the one that it resumes: float32 [count, D], whatever the storage.
  void read(int64_t first, int64_t count, float* rows) const;
  void flush();
  void close();
  /// Removes the partial file: there will be no output.
  void discard();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What an HDF5 file says it is: "dcgan-features", "dcgan-images", or nothing where another program made it.
/// @throws FileError if it is no HDF5 file
DCGAN_EXPORT std::string file_format(const std::string& path);

/// Reads any part of a feature file, ours or another program's. read() may be called from several threads (it locks).
class DCGAN_EXPORT FeatureFileReader {
 public:
  /// @param features  name of the dataset with the rows; a file without the attribute `format` is accepted if it has it
  /// @param labels    name of the dataset with the labels; may be missing
  /// @throws FileError if the file is missing, cut short, incomplete, or of another kind or version.
  explicit FeatureFileReader(const std::string& path, const std::string& features = "features",
                             const std::string& labels = "labels");
  ~FeatureFileReader();
  FeatureFileReader(FeatureFileReader&&) noexcept;
  FeatureFileReader& operator=(FeatureFileReader&&) noexcept;

  const std::string& path() const;
  std::vector<std::string> files() const;  ///< that rows are read from: the file, and the parts of a virtual merge
  const FeatureFileInfo& info() const;
  int64_t rows() const;                           ///< N
  int64_t feature_count() const;                  ///< D
  const std::vector<std::string>& paths() const;  ///< [N], or empty
  const std::vector<int32_t>& labels() const;     ///< [N], or empty; -1 where there are classes: none
  std::vector<Failure> failures() const;
  std::vector<Failure> warnings() const;  ///< harmless damage of files whose rows are here

  /// Rows first .. first + count - 1 as float32 [count, D], whatever the storage.
  void read(int64_t first, int64_t count, float* rows) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Refuses a complete file that was made of other inputs, with another model or with other options than `info`; the
/// preprocessing is not compared.
/// @throws FileError that names the field and both values
DCGAN_EXPORT void check_made_as(const FeatureFileReader& file, const FeatureFileInfo& info);

}  // namespace dcgan
