#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/images.h"
#include "dcgan/output_mode.h"
#include "store/image_tables.h"
#include "store/journal.h"

namespace dcgan::store {

struct Field {
  std::string name;
  std::string value;
};

/// For a message: of a long text the part where it first differs from the other.
std::string excerpt(const std::string& text, const std::string& other);

/// What stands beside the partial file of a writer of rows until it is whole: of which kind the rows are, and their
/// paths, labels and failures. Rows lie in `path`.partial, the journal in `path`.partial.journal; the rows of a record
/// are on the disk before it is written, so that every whole record speaks of rows that are there.
class RowJournal {
 public:
  /// What the constructor says of the files that are there already. @throws FileError
  static void check_output(const std::string& path, OutputMode mode);

  /// Opens the journal, and tells in resumes() whether there is something to go on with.
  /// @throws FileError as check_output(); if another process has it open; if it is damaged at its start
  RowJournal(const std::string& path, OutputMode mode);

  bool resumes() const { return resumes_; }
  /// Empties it: from here on nothing is resumed.
  void clear() { journal_.cut(0); }
  /// Starts anew, with a first record.
  /// @param layout  numbers for resume()
  void begin(const std::vector<Field>& identity, const std::vector<int64_t>& layout);
  /// Reads what is there; cut_to_batches() must follow.
  /// @param other  visits the last record of another kind (add_other) that follows the last batch
  /// @return the layout
  /// @throws FileError if a field differs (the message says which).
  std::vector<int64_t> resume(const std::vector<Field>& identity,
                              const std::function<void(std::string_view content)>& other = {});
  /// Cuts off what follows the last batch.
  void cut_to_batches() { journal_.cut(batches_end_); }

  int64_t rows() const { return rows_; }                ///< flushed
  int64_t inputs_done() const { return inputs_done_; }  ///< of the rows and failures flushed
  int64_t failures() const { return failures_; }        ///< flushed

  /// A batch of names. `rows` and `inputs_done` count all up to here.
  struct Batch {
    std::vector<std::string> paths;
    std::vector<int32_t> labels;
    std::vector<Failure> failures;
  };
  /// Durable when it returns, as `data` is before.
  void flush(const File& data, const Batch& batch, int64_t rows, int64_t inputs_done);
  void add_other(const std::string& content);
  /// All batches, in order.
  void write_tables(ImageTablesWriter& tables) const;

  const std::string& path() const { return journal_.path(); }
  /// Removes the journal.
  void remove() const;
  /// @throws FileError that adds to `error` what is kept.
  [[noreturn]] void fail_kept(const Error& error) const;

 private:
  std::string partial_;
  Journal journal_;
  bool resumes_ = false;
  int64_t batches_end_ = 0;
  int64_t rows_ = 0;
  int64_t inputs_done_ = 0;
  int64_t failures_ = 0;
};

}  // namespace dcgan::store
