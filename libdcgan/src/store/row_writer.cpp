#include "store/row_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "dcgan/version.h"

namespace dcgan::store {
namespace {

// A journal of version 1 began with a record of kind 1, and the partial file beside it had another layout.
enum RecordKind : uint32_t { kBatch = 2, kHeader = 4 };
constexpr int64_t kJournalVersion = 2;
constexpr size_t kWaitingNames = 65536;  // at most this many in memory before a flush

void add(const std::vector<Failure>& failures, RecordWriter& record) {
  record.number(static_cast<int64_t>(failures.size()));
  for (const Failure& failure : failures) record.text(failure.path);
  record.number(static_cast<int64_t>(failures.size()));
  for (const Failure& failure : failures) record.text(failure.reason);
}

}  // namespace

std::string lines_of(const std::vector<std::string>& texts) {
  std::string lines;
  for (const std::string& text : texts) lines += text + "\n";
  return lines;
}

std::string excerpt(const std::string& text, const std::string& other) {
  constexpr size_t kLength = 80;
  if (text.size() <= kLength) return text;
  const auto differs = std::mismatch(text.begin(), text.end(), other.begin(), other.end()).first;
  const auto at = static_cast<size_t>(differs - text.begin());
  const size_t begin = at < kLength / 2 ? 0 : at - kLength / 2;
  return (begin > 0 ? "..." : "") + text.substr(begin, kLength) + (begin + kLength < text.size() ? "..." : "");
}

void RowWriter::check_output(const std::string& path, OutputMode mode) {
  const std::string partial = base::partial_path(path);
  const bool partial_exists = base::exists(partial);
  if (mode != OutputMode::kOverwrite && base::exists(path)) {
    // A run that was killed after its last rename left the journal behind.
    if (mode == OutputMode::kResume && !partial_exists) ::unlink(base::journal_path(path).c_str());
    base::refuse_existing(path, false);
  }
  if (mode == OutputMode::kCreate && partial_exists) {
    if (base::exists(base::journal_path(path)))
      Journal(base::journal_path(path));  // says so if another process is writing it
    throw FileError(partial, "was left by an interrupted run; --resume goes on with it, --overwrite starts anew.");
  }
  if (mode == OutputMode::kResume && partial_exists && !base::exists(base::journal_path(path))) {
    throw FileError(partial, "has lost its journal ", base::journal_path(path), "; start anew with --overwrite.");
  }
}

void RowWriter::clear_output(const std::string& path, OutputMode mode) {
  check_output(path, mode);
  const Journal journal(base::journal_path(path));
  ::unlink(journal.path().c_str());
}

RowWriter::RowWriter(const std::string& path, RowFile file, OutputMode mode)
    : path_(path), partial_(base::partial_path(path)), head_(partial_ + ".head"), file_(std::move(file)) {
  check_output(path, mode);
  file_.identity.push_back({"library_version", DCGAN_VERSION});
  // The journal is born before the partial file and dies after it: a partial file without one is not ours.
  const bool partial_exists = base::exists(partial_);
  journal_ = Journal(base::journal_path(path));
  if (mode == OutputMode::kResume && partial_exists) {
    const Journal::Start start = journal_.start();
    if (start == Journal::Start::kDamaged) {
      throw FileError(journal_.path(), "is damaged at its start; start anew with --overwrite.");
    }
    if (start == Journal::Start::kWhole) {
      resume();
      return;
    }
  }
  begin();
}

RowWriter::~RowWriter() {
  try {
    flush();
  } catch (const Error&) {  // what was flushed before stays
  }
}

void RowWriter::begin() try {
  journal_.cut(0);
  ::unlink(partial_.c_str());
  origin_ = {file_.command_line, base::utc_now(), file_.options};
  begin_ = make_head(1, false).begin;
  ::unlink(head_.c_str());
  data_ = base::File(partial_, O_RDWR | O_CREAT | O_TRUNC);
  data_.sync();
  RecordWriter header;
  header.number(kJournalVersion);
  header.number(begin_);
  header.text(origin_.command_line);
  header.text(origin_.created);
  header.text(origin_.options);
  header.number(static_cast<int64_t>(file_.identity.size()));
  for (const Field& field : file_.identity) {
    header.text(field.name);
    header.text(field.value);
  }
  journal_.append(kHeader, header.bytes());
  journal_.sync();
  base::sync_folder_of(partial_);
} catch (const Error&) {  // nothing is worth keeping, and the next run shall not meet it
  discard();
  throw;
}

void RowWriter::resume() {
  int64_t batches_end = 0;
  journal_.visit([&](uint32_t kind, std::string_view content, int64_t end) {
    RecordReader record(content);
    if (kind != kBatch) {
      const int64_t version = kind == kHeader ? record.number() : 1;
      if (version != kJournalVersion) {
        throw FileError(partial_, "was begun by another version of this program: its journal has version ", version,
                        ", this one writes ", kJournalVersion,
                        "; finish it with that program, or start anew with --overwrite.");
      }
      check_header(record);
    } else {
      flushed_rows_ = record.number();
      flushed_inputs_ = record.number();
      record.texts();
      for (int64_t count = record.number(); count > 0; --count) record.number();
      flushed_failures_ += static_cast<int64_t>(record.texts().size());
      record.texts();
      if (!record.at_end()) flushed_warnings_ += static_cast<int64_t>(record.texts().size());
    }
    batches_end = end;
  });
  journal_.cut(batches_end);
  rows_ = flushed_rows_;
  inputs_done_ = flushed_inputs_;
  const int64_t begins = make_head(1, false).begin;
  ::unlink(head_.c_str());
  if (begins != begin_) {
    throw FileError(partial_, "its rows begin at byte ", begin_, ", where this HDF5 library puts byte ", begins,
                    "; go on with the library that it was begun with, or start anew with --overwrite.");
  }
  data_ = base::File(partial_, O_RDWR);
  const int64_t expected = begin_ + rows_ * file_.row_bytes;
  if (rows_ > 0 && data_.size() < expected) {  // before the first row it may be empty
    throw FileError(partial_, data_.size(), " bytes, expected ", expected,
                    "; it was cut short, start anew with --overwrite.");
  }
}

void RowWriter::check_header(RecordReader record) {
  begin_ = record.number();
  origin_.command_line = record.text();
  origin_.created = record.text();
  origin_.options = record.text();
  int64_t count = record.number();
  for (const Field& field : file_.identity) {
    const std::string name = count-- > 0 ? record.text() : "";
    const std::string value = name.empty() ? "" : record.text();
    if (name == field.name && value == field.value) continue;
    throw FileError(partial_, "was begun with ", field.name, " \"", excerpt(value, field.value), "\", this run has \"",
                    excerpt(field.value, value), "\"; resume with the same, or start anew with --overwrite.");
  }
}

void RowWriter::append(const void* rows, const std::vector<std::string>& paths, const std::vector<int32_t>& labels,
                       const std::vector<Failure>& failures, int64_t inputs_done) {
  check_rows(path_, file_.classes.size(), paths, labels);
  const auto count = static_cast<int64_t>(paths.size());
  try {
    data_.write_at(begin_ + rows_ * file_.row_bytes, rows, count * file_.row_bytes);
  } catch (const FileError& error) {
    fail_kept(error);
  }
  rows_ += count;
  inputs_done_ = inputs_done;
  batch_.paths.insert(batch_.paths.end(), paths.begin(), paths.end());
  batch_.labels.insert(batch_.labels.end(), labels.begin(), labels.end());
  batch_.failures.insert(batch_.failures.end(), failures.begin(), failures.end());
  batch_.warnings.insert(batch_.warnings.end(), next_warnings_.begin(), next_warnings_.end());
  next_warnings_.clear();
  const bool many_bytes = (rows_ - flushed_rows_) * file_.row_bytes >= file_.waiting_bytes;
  if (many_bytes || batch_.paths.size() + batch_.failures.size() >= kWaitingNames) flush();
}

void RowWriter::warn(const std::vector<Failure>& warnings) {
  next_warnings_.insert(next_warnings_.end(), warnings.begin(), warnings.end());
}

void RowWriter::read(int64_t first, int64_t count, void* rows) const {
  if (first < 0 || count < 0 || first > rows_ - count) {
    throw Error(path_, ": rows ", first, " to ", first + count - 1, " were asked for, ", rows_, " are written.");
  }
  data_.read_at(begin_ + first * file_.row_bytes, rows, count * file_.row_bytes);
}

void RowWriter::flush() {
  if (closed_ || (rows_ == flushed_rows_ && inputs_done_ == flushed_inputs_ && batch_.failures.empty())) return;
  RecordWriter record;
  record.number(rows_);
  record.number(inputs_done_);
  record.texts(batch_.paths);
  record.number(static_cast<int64_t>(batch_.labels.size()));
  for (const int32_t label : batch_.labels) record.number(label);
  add(batch_.failures, record);
  if (!batch_.warnings.empty()) add(batch_.warnings, record);
  try {
    data_.sync();  // the rows first
    journal_.append(kBatch, record.bytes());
    journal_.sync();
  } catch (const FileError& error) {
    fail_kept(error);
  }
  flushed_rows_ = rows_;
  flushed_inputs_ = inputs_done_;
  flushed_failures_ = failures();
  flushed_warnings_ = warnings();
  batch_ = {};
}

Extent RowWriter::make_head(int64_t rows, bool whole) const {
  const hdf5::Session session;
  hdf5::Handle file = hdf5::create_file(head_, file_.dense);
  const hdf5::Place root{file, head_};
  const Extent extent = file_.lay_out(root, origin_, rows);
  if (whole) {
    ImageTablesWriter tables(root, file_.classes);
    write_names(tables);
    tables.complete(root);
  }
  file.close(head_);
  return extent;
}

void RowWriter::write_names(ImageTablesWriter& tables) const {
  journal_.visit([&](uint32_t kind, std::string_view content, int64_t /*end*/) {
    if (kind != kBatch) return;
    RecordReader record(content);
    record.number();
    record.number();
    const std::vector<std::string> paths = record.texts();
    std::vector<int32_t> labels;
    for (int64_t count = record.number(); count > 0; --count) labels.push_back(static_cast<int32_t>(record.number()));
    const std::vector<std::string> failed = record.texts();
    const std::vector<std::string> reasons = record.texts();
    tables.append(paths, labels);
    tables.append_failures(failed, reasons);
    if (record.at_end()) return;
    const std::vector<std::string> warned = record.texts();
    tables.append_warnings(warned, record.texts());
  });
}

void RowWriter::copy_from_head(const base::File& head, int64_t begin, int64_t end) const {
  constexpr int64_t kBlock = int64_t{1} << 20;
  std::string bytes;
  for (; begin < end; begin += kBlock) {
    bytes.resize(std::min(kBlock, end - begin));
    head.read_at(begin, bytes.data(), bytes.size());
    data_.write_at(begin, bytes.data(), bytes.size());
  }
}

void RowWriter::finish() const {
  const Extent extent = make_head(rows_, true);
  if (rows_ > 0 && extent.begin != begin_) throw Error(path_, ": its rows would move. Please report this.");
  const base::File head(head_, O_RDONLY);
  const int64_t end = head.size();
  copy_from_head(head, 0, extent.begin);
  copy_from_head(head, extent.end, end);
  data_.resize(end);
  ::unlink(head_.c_str());  // before the rename: a run that is killed in between begins finish() again
  base::publish(partial_, path_);
}

void RowWriter::close() {
  if (closed_) return;
  flush();
  try {
    finish();
  } catch (const FileError& error) {
    ::unlink(head_.c_str());
    fail_kept(error);
  }
  closed_ = true;
  ::unlink(journal_.path().c_str());
}

void RowWriter::discard() {
  closed_ = true;
  ::unlink(head_.c_str());
  ::unlink(partial_.c_str());
  ::unlink(journal_.path().c_str());
}

void RowWriter::fail_kept(const Error& error) const {
  std::string text = error.what();
  if (text.rfind(partial_ + ": ", 0) == 0) text.erase(0, partial_.size() + 2);
  if (!text.empty() && text.back() == '.') text.pop_back();
  throw FileError(partial_, text, "; the partial file is kept with ", flushed_rows_,
                  " rows: mend this and run again with --resume.");
}

}  // namespace dcgan::store
