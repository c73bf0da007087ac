#include "store/row_journal.h"

#include <unistd.h>

#include <algorithm>

#include "store/files.h"

namespace dcgan::store {
namespace {

enum RecordKind : uint32_t { kHeader = 1, kBatch = 2, kOther = 3 };

std::string journal_path(const std::string& path) { return partial_path(path) + ".journal"; }

}  // namespace

std::string excerpt(const std::string& text, const std::string& other) {
  constexpr size_t kLength = 80;
  if (text.size() <= kLength) return text;
  const auto differs = std::mismatch(text.begin(), text.end(), other.begin(), other.end()).first;
  const auto at = static_cast<size_t>(differs - text.begin());
  const size_t begin = at < kLength / 2 ? 0 : at - kLength / 2;
  return (begin > 0 ? "..." : "") + text.substr(begin, kLength) + (begin + kLength < text.size() ? "..." : "");
}

void RowJournal::check_output(const std::string& path, OutputMode mode) {
  const std::string partial = partial_path(path);
  const bool partial_exists = exists(partial);
  if (mode != OutputMode::kOverwrite && exists(path)) {
    // A run that was killed after its last rename left the journal behind.
    if (mode == OutputMode::kResume && !partial_exists) ::unlink(journal_path(path).c_str());
    refuse_existing(path, false);
  }
  if (mode == OutputMode::kCreate && partial_exists) {
    if (exists(journal_path(path))) Journal(journal_path(path));  // says so if another process is writing it
    throw FileError(partial, "was left by an interrupted run; --resume goes on with it, --overwrite starts anew.");
  }
  if (mode == OutputMode::kResume && partial_exists && !exists(journal_path(path))) {
    throw FileError(partial, "has lost its journal " + journal_path(path) + "; start anew with --overwrite.");
  }
}

RowJournal::RowJournal(const std::string& path, OutputMode mode) : partial_(partial_path(path)) {
  check_output(path, mode);
  // The journal is born before the partial file and dies after it: a partial file without one is not ours.
  const bool partial_exists = exists(partial_);
  journal_ = Journal(journal_path(path));
  if (mode != OutputMode::kResume || !partial_exists) return;
  const Journal::Start start = journal_.start();
  if (start == Journal::Start::kDamaged) {
    throw FileError(journal_.path(), "is damaged at its start; start anew with --overwrite.");
  }
  resumes_ = start == Journal::Start::kWhole;
}

void RowJournal::begin(const std::vector<Field>& identity, const std::vector<int64_t>& layout) {
  RecordWriter header;
  header.number(static_cast<int64_t>(layout.size()));
  for (const int64_t number : layout) header.number(number);
  header.number(static_cast<int64_t>(identity.size()));
  for (const Field& field : identity) {
    header.text(field.name);
    header.text(field.value);
  }
  journal_.append(kHeader, header.bytes());
  journal_.sync();
  sync_folder_of(partial_);
}

std::vector<int64_t> RowJournal::resume(const std::vector<Field>& identity,
                                        const std::function<void(std::string_view content)>& other) {
  std::vector<int64_t> layout;
  std::string after;
  journal_.visit([&](uint32_t kind, std::string_view content, int64_t end) {
    RecordReader record(content);
    if (kind == kHeader) {
      for (int64_t count = record.number(); count > 0; --count) layout.push_back(record.number());
      int64_t count = record.number();
      for (const Field& field : identity) {
        const std::string name = count-- > 0 ? record.text() : "";
        const std::string value = name.empty() ? "" : record.text();
        if (name != field.name || value != field.value) {
          throw FileError(partial_, "was begun with " + field.name + " \"" + excerpt(value, field.value) +
                                        "\", this run has \"" + excerpt(field.value, value) +
                                        "\"; resume with the same, or start anew with --overwrite.");
        }
      }
    } else if (kind == kBatch) {
      rows_ = record.number();
      inputs_done_ = record.number();
      record.texts();
      for (int64_t count = record.number(); count > 0; --count) record.number();
      failures_ += static_cast<int64_t>(record.texts().size());
      after.clear();
    } else {
      after = content;
      return;
    }
    batches_end_ = end;
  });
  if (other && !after.empty()) other(after);
  return layout;
}

void RowJournal::flush(const File& data, const Batch& batch, int64_t rows, int64_t inputs_done) {
  RecordWriter record;
  record.number(rows);
  record.number(inputs_done);
  record.texts(batch.paths);
  record.number(static_cast<int64_t>(batch.labels.size()));
  for (const int32_t label : batch.labels) record.number(label);
  std::vector<std::string> failed, reasons;
  for (const Failure& failure : batch.failures) {
    failed.push_back(failure.path);
    reasons.push_back(failure.reason);
  }
  record.texts(failed);
  record.texts(reasons);
  try {
    data.sync();  // the rows first
    journal_.append(kBatch, record.bytes());
    journal_.sync();
  } catch (const FileError& error) {
    fail_kept(error);
  }
  rows_ = rows;
  inputs_done_ = inputs_done;
  failures_ += static_cast<int64_t>(failed.size());
}

void RowJournal::add_other(const std::string& content) {
  journal_.append(kOther, content);
  journal_.sync();
}

void RowJournal::write_tables(ImageTablesWriter& tables) const {
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
  });
}

void RowJournal::remove() const { ::unlink(journal_.path().c_str()); }

void RowJournal::fail_kept(const Error& error) const {
  std::string text = error.what();
  if (text.rfind(partial_ + ": ", 0) == 0) text.erase(0, partial_.size() + 2);
  if (!text.empty() && text.back() == '.') text.pop_back();
  throw FileError(partial_, text + "; the partial file is kept with " + std::to_string(rows_) +
                                " rows: mend this and run again with --resume.");
}

}  // namespace dcgan::store
