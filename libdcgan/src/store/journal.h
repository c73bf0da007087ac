#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace dcgan::store {

/// Numbers and texts one after the other, as the records of a journal hold them. Texts may hold any byte.
class RecordWriter {
 public:
  void number(int64_t value);
  void text(std::string_view value);
  void texts(const std::vector<std::string>& values);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// @throws Error if the record ends too early.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : bytes_(bytes) {}
  int64_t number();
  std::string text();
  std::vector<std::string> texts();
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view take(size_t count);
  std::string_view bytes_;
};

/// A file of records that only grows: kind, length, content, checksum. Whatever a crash leaves at its end that is no
/// whole record is cut off. While it is open no other process can open it (flock).
class Journal {
 public:
  using Visit = std::function<void(uint32_t kind, std::string_view content, int64_t end)>;

  Journal() = default;
  /// Opens the journal, or makes an empty one. @throws FileError if another process has it open.
  explicit Journal(const std::string& path);

  /// Visits the whole records in order, with the byte where each ends; memory for one record at a time.
  void visit(const Visit& visitor) const;
  /// Whether the first record is whole, never finished, or damaged.
  enum class Start { kWhole, kUnfinished, kDamaged };
  Start start() const;
  /// Cuts off everything from `end` on, and appends there.
  void cut(int64_t end);
  /// Appends a record; durable once sync() returns. A record that does not fit on the disk leaves no trace.
  void append(uint32_t kind, const std::string& content);
  void sync() const { file_.sync(); }
  const std::string& path() const { return file_.path(); }

 private:
  Start read(int64_t offset, int64_t file_bytes, uint32_t& kind, std::string& content) const;

  base::File file_;
  int64_t end_ = 0;
};

}  // namespace dcgan::store
