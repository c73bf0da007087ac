#include "models/zip_file.h"

#include <fcntl.h>
#include <zlib.h>

#include <algorithm>
#include <string_view>

#include "dcgan/errors.h"

namespace dcgan::models {
namespace {

// APPNOTE.TXT, 4.3.16, 4.3.12 and 4.3.7: sizes of the records without their names, extras and comments.
constexpr int64_t kEndBytes = 22;
constexpr int64_t kEntryBytes = 46;
constexpr int64_t kLocalBytes = 30;
constexpr int64_t kMaximumComment = 65535;

// A little-endian number of `count` bytes; the caller has checked that they are there.
uint32_t number(std::string_view bytes, size_t offset, size_t count) {
  uint32_t value = 0;
  for (size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[offset + i - 1]);
  return value;
}

bool starts(std::string_view bytes, std::string_view signature) {
  return bytes.substr(0, signature.size()) == signature;
}

}  // namespace

ZipFile::ZipFile(const std::string& path) : file_(path, O_RDONLY) {
  const auto damaged = [&](const auto&... what) {
    throw FileError(path, what..., "; the archive is cut short or damaged, fetch it again.");
  };
  const int64_t file_bytes = file_.size();
  std::string tail(std::min(file_bytes, kEndBytes + kMaximumComment), '\0');
  file_.read_at(file_bytes - static_cast<int64_t>(tail.size()), tail.data(), tail.size());
  const size_t at = tail.rfind("PK\5\6");
  if (at == std::string::npos || tail.size() - at < static_cast<size_t>(kEndBytes)) {
    throw FileError(path,
                    "is no zip archive, as torch.save() has written since PyTorch 1.6, or it is cut short; load an "
                    "older file in PyTorch and save it again.");
  }
  const std::string_view end = std::string_view(tail).substr(at);
  const int64_t count = number(end, 10, 2);
  const int64_t directory_bytes = number(end, 12, 4);
  directory_ = number(end, 16, 4);
  const int64_t end_offset = file_bytes - static_cast<int64_t>(tail.size() - at);
  if (directory_ + directory_bytes > end_offset) {
    damaged("its directory of ", directory_bytes, " bytes at byte ", directory_,
            " lies outside the archive (one of 4 GiB or more cannot be read)");
  }
  std::string directory(directory_bytes, '\0');
  file_.read_at(directory_, directory.data(), directory.size());
  std::string_view rest = directory;
  for (int64_t i = 0; i < count; ++i) {
    if (rest.size() < kEntryBytes || !starts(rest, "PK\1\2"))
      damaged("its directory ends after ", i, " of ", count, " entries");
    const size_t name_bytes = number(rest, 28, 2);
    const size_t all_bytes = kEntryBytes + name_bytes + number(rest, 30, 2) + number(rest, 32, 2);
    if (rest.size() < all_bytes) damaged("entry ", i, " of its directory is cut short");
    const std::string name(rest.substr(kEntryBytes, name_bytes));
    const bool stored =
        number(rest, 10, 2) == 0 && number(rest, 20, 4) == number(rest, 24, 4) && (number(rest, 8, 2) & 1U) == 0;
    const Entry entry{number(rest, 42, 4), number(rest, 24, 4), number(rest, 16, 4), stored};
    const int64_t bytes = number(rest, 20, 4);
    if (entry.header + kLocalBytes + static_cast<int64_t>(name_bytes) + bytes > directory_) {
      damaged("its entry \"" + name + "\" lies outside the archive");
    }
    if (!entries_.emplace(name, entry).second) damaged("its directory names \"" + name + "\" twice");
    rest.remove_prefix(all_bytes);
  }
}

std::vector<std::string> ZipFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

std::string ZipFile::read(const std::string& name) const {
  const Entry& entry = entries_.at(name);
  const auto damaged = [&](const std::string& what) {
    throw FileError(path(), "its entry \"", name, "\" ", what, "; the archive is damaged, fetch it again.");
  };
  if (!entry.stored) {
    throw FileError(path(), "its entry \"", name,
                    "\" is compressed or encrypted; torch.save() stores entries as they are, so this is no file of "
                    "PyTorch.");
  }
  std::string local(kLocalBytes, '\0');
  file_.read_at(entry.header, local.data(), local.size());
  if (!starts(local, "PK\3\4")) damaged("has no header");
  const int64_t begin = entry.header + kLocalBytes + number(local, 26, 2) + number(local, 28, 2);
  if (begin + entry.size > directory_) damaged("lies outside the archive");
  std::string bytes(entry.size, '\0');
  file_.read_at(begin, bytes.data(), bytes.size());
  const uLong crc = crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (crc != entry.crc) damaged("has another checksum (CRC-32) than its directory says");
  return bytes;
}

}  // namespace dcgan::models
