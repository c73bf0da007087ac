#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/images.h"
#include "dcgan/output_mode.h"
#include "store/hdf5_handles.h"
#include "store/image_tables.h"
#include "store/journal.h"

namespace dcgan::store {

struct Field {
  std::string name;
  std::string value;
};

/// One text a line, for a Field.
std::string lines_of(const std::vector<std::string>& texts);
/// For a message: of a long text the part where it first differs from the other.
std::string excerpt(const std::string& text, const std::string& other);

/// Bytes of a file that are rows, or room for them.
struct Extent {
  int64_t begin = 0;
  int64_t end = 0;
};

/// What RowWriter has to know of a kind of file.
struct RowFile {
  int64_t row_bytes = 0;
  std::vector<std::string> classes;
  std::vector<Field> identity;  ///< what must be equal in a run that goes on, beside the version of the library
  std::string command_line;
  std::string options;                ///< JSON, or empty
  bool dense = false;                 ///< see hdf5::create_file()
  int64_t waiting_bytes = INT64_MAX;  ///< of rows, before a flush that nobody asked for
  /// Makes attributes and the dataset of the rows in a new file. The rows lie one behind the other, and where they
  /// begin does not depend on how many there are.
  std::function<Extent(hdf5::Place file, const Origin& origin, int64_t rows)> lay_out;
};

/// Writes rows, their paths and labels, and failures, so that a run that is killed at any moment (kill -9) is resumed
/// after the last flush. How many rows there will be need not be known.
///
/// Rows are written by pwrite() to where they will lie in the HDF5 file, into `path`.partial, while there is no HDF5
/// file yet. Names go to a journal beside it, `path`.partial.journal, each batch after its rows are on the disk, so
/// that every whole record speaks of rows that are there. close() makes the HDF5 file for the rows that there are,
/// `path`.partial.head, a hole in place of the rows, copies what lies before and behind the hole, and renames.
/// Interrupted, it is done again.
class RowWriter {
 public:
  /// What the constructor says of the files that are there already. @throws FileError
  static void check_output(const std::string& path, OutputMode mode);
  /// As the constructor, then removes the journal of an interrupted run: another kind of file takes its place.
  static void clear_output(const std::string& path, OutputMode mode);

  /// @throws FileError as check_output(); if another process writes the same output; if a resumed file was made with
  ///         other information (the message says which field differs)
  RowWriter(const std::string& path, RowFile file, OutputMode mode);
  ~RowWriter();  ///< without close() the partial file stays, flushed

  int64_t rows() const { return rows_; }
  int64_t inputs_done() const { return inputs_done_; }
  int64_t failures() const { return flushed_failures_ + static_cast<int64_t>(batch_.failures.size()); }
  int64_t warnings() const { return flushed_warnings_ + static_cast<int64_t>(batch_.warnings.size()); }

  /// @param rows  [paths.size()] of row_bytes
  void append(const void* rows, const std::vector<std::string>& paths, const std::vector<int32_t>& labels,
              const std::vector<Failure>& failures, int64_t inputs_done);
  /// Goes with the next append().
  void warn(const std::vector<Failure>& warnings);
  void read(int64_t first, int64_t count, void* rows) const;
  void flush();
  void close();
  /// Removes the partial file and what is beside it.
  void discard();

 private:
  struct Batch {
    std::vector<std::string> paths;
    std::vector<int32_t> labels;
    std::vector<Failure> failures, warnings;
  };

  void begin();
  void resume();
  void check_header(RecordReader record);
  Extent make_head(int64_t rows, bool whole) const;
  void write_names(ImageTablesWriter& tables) const;
  void copy_from_head(const base::File& head, int64_t begin, int64_t end) const;
  void finish() const;
  [[noreturn]] void fail_kept(const Error& error) const;

  std::string path_, partial_, head_;
  RowFile file_;
  Origin origin_;
  Journal journal_;
  base::File data_;
  int64_t begin_ = 0;  ///< byte of the first row
  int64_t rows_ = 0, inputs_done_ = 0;
  int64_t flushed_rows_ = 0, flushed_inputs_ = 0, flushed_failures_ = 0, flushed_warnings_ = 0;
  Batch batch_;  ///< since the last flush
  std::vector<Failure> next_warnings_;
  bool closed_ = false;
};

}  // namespace dcgan::store
