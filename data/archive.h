#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"

namespace dcgan::data {

/// A file in an archive.
struct ArchiveMember {
  std::string path;     ///< without a leading "/" or "./"
  int64_t place = 0;    ///< where the archive finds it: of a tar, its first byte
  int64_t size = 0;     ///< bytes
  std::string failure;  ///< why it cannot be read; empty where it can
};

constexpr int64_t kMaximumMember = int64_t{1} << 30;  // bytes; no image of --max-pixels needs more

/// The files in an archive, read where they lie. Of two members of one name the last counts, as when unpacking.
class DCGAN_EXPORT Archive {
 public:
  virtual ~Archive() = default;
  /// In byte order of their paths; no folders.
  const std::vector<ArchiveMember>& members() const { return members_; }
  /// One line each, for the log: which members are not there because a later one has their name.
  const std::vector<std::string>& notes() const { return notes_; }
  /// Null where there is none of this path.
  const ArchiveMember* find(const std::string& path) const;
  /// The member, or as much of it as is asked for. Safe for concurrent use. @throws FileError
  virtual std::vector<uint8_t> read(const ArchiveMember& member,
                                    int64_t most = std::numeric_limits<int64_t>::max()) const = 0;
  /// "tar" or "zip"
  virtual std::string kind() const = 0;

 protected:
  std::vector<ArchiveMember> members_;
  std::vector<std::string> notes_;
};

/// Without "/" and "./" at its beginning.
inline std::string without_root(const std::string& path) {
  size_t begin = 0;
  while (path.compare(begin, 1, "/") == 0 || path.compare(begin, 2, "./") == 0) begin += path[begin] == '/' ? 1 : 2;
  return path.substr(begin);
}

/// Up to kFirstBytes of a file; none where it cannot be read.
std::vector<uint8_t> first_bytes_of(const std::string& path);

/// .tar, .zip, and compressed tars.
bool has_archive_extension(const std::string& path);

/// Whether the file is an archive by its name (compressed ones to be refused with a reason) or content.
bool is_archive(const std::string& path);

/// Refuses what may hold images and is not read: compressed files, 7-Zip, Parquet, ....
/// @throws FileError with the command that unpacks it
void refuse_container(const std::string& path);

/// A tar or a zip, whatever its name.
/// @throws FileError as refuse_container(), or if it is neither, damaged or cut short
std::unique_ptr<Archive> open_archive(const std::string& path);

}  // namespace dcgan::data
