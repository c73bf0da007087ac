#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "data/archive.h"

namespace dcgan::data {

/// The files in a tar archive that is not compressed, read where they lie: ours because libarchive, made for streams,
/// leads to no member directly, and the images are read by many threads in any order.
///
/// Formats: v7, ustar, GNU (long names, base-256 sizes) and pax (IEEE Std 1003.1-2017, pax; GNU tar manual, "Basic Tar
/// Format"). An archive in the archive counts as a folder of its name, without ".tar": ImageNet's training set is one
/// archive of 1,000 archives. Hard links lead to what they name; symbolic links and sparse members are failures.
class TarArchive : public Archive {
 public:
  /// @throws FileError if the file is no tar archive, damaged or cut short (its end marker counts)
  explicit TarArchive(const std::string& path);

  std::vector<uint8_t> read(const ArchiveMember& member, int64_t most) const override;
  std::string kind() const override { return "tar"; }

 private:
  base::File file_;
};

/// Whether the file begins as tars of ustar, GNU and pax do.
bool has_tar_header(const std::string& path);

}  // namespace dcgan::data
