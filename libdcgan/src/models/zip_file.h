#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"

namespace dcgan::models {

/// A zip archive whose entries are stored, not compressed, as torch.save() writes it; others can be seen, not read
/// (format: PKWARE's APPNOTE.TXT). The central directory is checked against the file's size when it is opened; nothing
/// larger than the file is allocated.
class ZipFile {
 public:
  /// @throws FileError if it is no such archive.
  explicit ZipFile(const std::string& path);

  const std::string& path() const { return file_.path(); }
  std::vector<std::string> names() const;  ///< in byte order
  bool has(const std::string& name) const { return entries_.count(name) != 0; }
  int64_t size(const std::string& name) const { return entries_.at(name).size; }  ///< bytes
  /// An entry's bytes. @throws FileError if its checksum is another, or it is compressed.
  std::string read(const std::string& name) const;

 private:
  struct Entry {
    int64_t header;  ///< offset of its local header
    int64_t size;
    uint32_t crc;
    bool stored;  ///< as it is, neither compressed nor encrypted
  };
  base::File file_;
  int64_t directory_ = 0;  ///< offset of the central directory
  std::map<std::string, Entry> entries_;
};

}  // namespace dcgan::models
