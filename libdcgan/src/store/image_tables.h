#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dcgan/images.h"
#include "store/hdf5_handles.h"

// What feature files and packed image files have in common: format and version, paths, labels, classes, failures.

namespace dcgan::store {

constexpr const char* kImagesFormat = "dcgan-images";
constexpr const char* kFeaturesFormat = "dcgan-features";
constexpr int64_t kFormatVersion = 1;
constexpr int64_t kFormatVersionWithUnlabelled = 2;  ///< of files that have classes and rows without a label, -1

/// The run that a file was begun by.
struct Origin {
  std::string command_line;
  std::string created;  ///< as base::utc_now() gives it
  std::string options;  ///< JSON, or empty
};
/// Writes format, format_version, library_version, command_line, created, and complete = 0.
void write_origin(hdf5::Place file, const std::string& format, const Origin& origin);
/// Refuses other formats and versions and incomplete files. @return whether the file is ours; false without `format`.
bool check_origin(hdf5::Place file, const std::string& format);

/// Writes paths, labels, failures, classes, in any number of appends.
class ImageTablesWriter {
 public:
  ImageTablesWriter() = default;
  ImageTablesWriter(hdf5::Place file, const std::vector<std::string>& classes);
  void append(const std::vector<std::string>& paths, const std::vector<int32_t>& labels);
  void append_failures(const std::vector<std::string>& paths, const std::vector<std::string>& reasons);
  /// Only files with warnings have a table of them.
  void append_warnings(const std::vector<std::string>& paths, const std::vector<std::string>& reasons);
  /// Marks the file as complete, and raises its version where there are rows without a label.
  void complete(hdf5::Place file) const;

 private:
  bool has_unlabelled_ = false;
  struct Reasons {
    hdf5::GrowingDataset paths, reasons;
  };
  Reasons reasons_table(const char* group) const;

  hid_t file_ = H5I_INVALID_HID;
  std::string path_;
  hdf5::GrowingDataset paths_, labels_;
  Reasons failures_;
  std::optional<Reasons> warnings_;
};

/// Labels of `count` rows are there if and only if there are classes, and lie in 0 .. K - 1, or are -1: none.
/// @throws Error
void check_rows(const std::string& path, size_t class_count, const std::vector<std::string>& paths,
                const std::vector<int32_t>& labels);

struct ImageTables {
  std::vector<std::string> paths;    ///< [N] or empty
  std::vector<int32_t> labels;       ///< [N] or empty; -1, in a file of ours that has classes: none
  std::vector<std::string> classes;  ///< [K] or empty
};
/// Whatever of them the file has, with lengths and labels checked against `rows` and the classes.
ImageTables read_image_tables(hdf5::Place file, int64_t rows, const std::string& labels_name);
std::vector<Failure> read_failures(hdf5::Place file);
std::vector<Failure> read_warnings(hdf5::Place file);

}  // namespace dcgan::store
