#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace dcgan::prepare_tool {

/// A file on a server.
struct RemoteFile {
  std::string url;  ///< http or https
  std::string md5;  ///< 32 hexadecimal digits; empty: none is published
};

struct DownloadCalls {
  std::function<void(int64_t done, int64_t total)> on_bytes;  ///< total 0: not known; may throw to stop
  std::function<void(const std::string& line)> on_message;
};

/// Fetches a file to `path`; until it is whole and its checksum right it is `path`.partial, from which the next call
/// goes on. A connection that breaks is tried again, five times in a row without a new byte at most.
/// @return false if it was there already
/// @throws FileError: a checksum that differs (the bytes are removed), a server that cannot be reached or refuses, a
///         disk that is full
bool download(const RemoteFile& file, const std::string& path, const DownloadCalls& calls);

}  // namespace dcgan::prepare_tool
