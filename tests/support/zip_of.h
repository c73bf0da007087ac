#pragma once

#include <zlib.h>

#include <map>
#include <string>

namespace dcgan::test {

/// A zip archive of stored entries, as torch.save() makes it (APPNOTE.TXT, 4.3).
inline std::string zip_of(const std::map<std::string, std::string>& entries) {
  const auto bytes_of = [](size_t value, size_t count) {
    std::string bytes;
    for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(i < sizeof value ? value >> (8 * i) & 0xff : 0);
    return bytes;
  };
  std::string data;
  std::string directory;
  for (const auto& [name, content] : entries) {
    const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    const std::string sizes = bytes_of(0, 8) + bytes_of(crc, 4) + bytes_of(content.size(), 4) +
                              bytes_of(content.size(), 4) + bytes_of(name.size(), 2) + bytes_of(0, 2);
    directory += "PK\1\2" + bytes_of(0, 4) + sizes + bytes_of(0, 10) + bytes_of(data.size(), 4) + name;
    data += "PK\3\4" + bytes_of(0, 2) + sizes + name + content;
  }
  return data + directory + "PK\5\6" + bytes_of(0, 4) + bytes_of(entries.size(), 2) + bytes_of(entries.size(), 2) +
         bytes_of(directory.size(), 4) + bytes_of(data.size(), 4) + bytes_of(0, 2);
}

}  // namespace dcgan::test
