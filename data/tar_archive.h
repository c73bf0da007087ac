#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dcgan::data {

/// An image in an archive.
struct TarMember {
  std::string path;     ///< without a leading "/" or "./"
  int64_t offset = 0;   ///< of its first byte in the file
  int64_t size = 0;     ///< bytes
  std::string failure;  ///< why it cannot be read; empty where it can
};

class TarBytes;

/// The images in a tar archive that is not compressed, read where they lie: ours because libarchive, made for streams,
/// leads to no member directly, and the images are read by many threads in any order.
///
/// Formats: v7, ustar, GNU (long names, base-256 sizes) and pax (IEEE Std 1003.1-2017, pax; GNU tar manual, "Basic Tar
/// Format"). An archive in the archive counts as a folder of its name, without ".tar": ImageNet's training set is one
/// archive of 1,000 archives. Of two members of one name the last counts, as when unpacking, and a note
/// says so; hard links lead to what they name. Symbolic links and sparse members are failures. Safe for concurrent use.
class TarArchive {
 public:
  /// @throws FileError if the file is no tar archive, compressed, damaged or cut short (its end marker counts), or
  ///         holds no images
  explicit TarArchive(const std::string& path);
  ~TarArchive();
  TarArchive(TarArchive&&) noexcept;

  /// In byte order of their paths.
  const std::vector<TarMember>& images() const;
  /// One line each, for the log: which members are not among the images because a later one has their name.
  const std::vector<std::string>& notes() const;
  /// Null where there is none of this path.
  const TarMember* find(const std::string& path) const;
  /// @throws FileError
  std::vector<uint8_t> read(const TarMember& member) const;

 private:
  std::unique_ptr<TarBytes> bytes_;
  std::vector<TarMember> images_;
  std::vector<std::string> notes_;
};

/// Whether the file is a tar archive by its name (.tar, also compressed ones, to be refused with a reason) or content.
bool is_tar_file(const std::string& path);

}  // namespace dcgan::data
