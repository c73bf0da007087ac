#pragma once

#include <cstdint>
#include <vector>

#include "data/codecs.h"

namespace dcgan::data {

/// The first directory of a TIFF, or of the EXIF data of another format, which has the same form (TIFF 6.0, section 2).
/// Never reads outside its bytes: what is missing or damaged is absent.
class TiffDirectory {
 public:
  explicit TiffDirectory(ByteView bytes);

  /// All values of an entry of type BYTE, SHORT or LONG; empty where there is none, or it lies outside the file.
  std::vector<int64_t> values(uint16_t tag) const;
  int64_t value(uint16_t tag, int64_t absent) const;

 private:
  int64_t number(size_t at, size_t width) const;

  ByteView bytes_;
  bool big_endian_ = false;
  size_t first_entry_ = 0;
  size_t entries_ = 0;
};

}  // namespace dcgan::data
