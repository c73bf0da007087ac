#include "store/journal.h"

#include <fcntl.h>

#include <cstring>
#include <utility>

#include "dcgan/errors.h"

namespace dcgan::store {
namespace {

constexpr uint32_t kMagic = 0x4e474344;  // "DCGN", at the start of every record

struct RecordHead {
  uint32_t magic;
  uint32_t kind;
  int64_t length;
};

// FNV-1a, 64 bits: finds torn and flipped bytes; nothing here defends against malice.
uint64_t checksum(const void* bytes, size_t count, uint64_t hash = 0xcbf29ce484222325U) {
  const auto* from = static_cast<const unsigned char*>(bytes);
  for (size_t i = 0; i < count; ++i) hash = (hash ^ from[i]) * 0x100000001b3U;
  return hash;
}

}  // namespace

void RecordWriter::number(int64_t value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }

void RecordWriter::text(std::string_view value) {
  number(static_cast<int64_t>(value.size()));
  bytes_.append(value);
}

void RecordWriter::texts(const std::vector<std::string>& values) {
  number(static_cast<int64_t>(values.size()));
  for (const std::string& value : values) text(value);
}

std::string_view RecordReader::take(size_t count) {
  if (count > bytes_.size()) throw Error("a record of the journal ends too early.");
  const std::string_view taken = bytes_.substr(0, count);
  bytes_.remove_prefix(count);
  return taken;
}

int64_t RecordReader::number() {
  int64_t value = 0;
  std::memcpy(&value, take(sizeof value).data(), sizeof value);
  return value;
}

std::string RecordReader::text() { return std::string(take(number())); }

std::vector<std::string> RecordReader::texts() {
  std::vector<std::string> values;
  for (int64_t count = number(); count > 0; --count) values.push_back(text());
  return values;
}

Journal::Journal(const std::string& path) : file_(path, O_RDWR | O_CREAT) {
  base::lock(file_, path, "is in use: another process is writing the same output.");
}

Journal::Start Journal::read(int64_t offset, int64_t file_bytes, uint32_t& kind, std::string& content) const {
  RecordHead head{};
  uint64_t sum = 0;
  const int64_t around = sizeof head + sizeof sum;
  if (file_bytes - offset < around) return Start::kUnfinished;
  file_.read_at(offset, &head, sizeof head);
  if (head.magic != kMagic || head.length < 0) return Start::kDamaged;
  if (head.length > file_bytes - offset - around) return Start::kUnfinished;
  content.resize(head.length);
  file_.read_at(offset + static_cast<int64_t>(sizeof head), content.data(), content.size());
  file_.read_at(offset + static_cast<int64_t>(sizeof head) + head.length, &sum, sizeof sum);
  if (sum != checksum(content.data(), content.size(), checksum(&head, sizeof head))) return Start::kDamaged;
  kind = head.kind;
  return Start::kWhole;
}

void Journal::visit(const Visit& visitor) const {
  const int64_t file_bytes = file_.size();
  int64_t offset = 0;
  uint32_t kind = 0;
  std::string content;
  while (read(offset, file_bytes, kind, content) == Start::kWhole) {
    offset += static_cast<int64_t>(sizeof(RecordHead) + content.size() + sizeof(uint64_t));
    visitor(kind, content, offset);
  }
}

Journal::Start Journal::start() const {
  uint32_t kind = 0;
  std::string content;
  return read(0, file_.size(), kind, content);
}

void Journal::cut(int64_t end) {
  file_.resize(end);
  end_ = end;
}

void Journal::append(uint32_t kind, const std::string& content) {
  const RecordHead head{kMagic, kind, static_cast<int64_t>(content.size())};
  std::string record(reinterpret_cast<const char*>(&head), sizeof head);
  record += content;
  const uint64_t sum = checksum(record.data(), record.size());
  record.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  try {
    file_.write_at(end_, record.data(), record.size());
  } catch (const FileError&) {
    cut(end_);
    throw;
  }
  end_ += static_cast<int64_t>(record.size());
}

}  // namespace dcgan::store
