#pragma once

#include <cstdint>
#include <vector>

#include "data/codecs.h"

namespace dcgan::data {

/// The first directory of a TIFF, or of the EXIF data of another format, which has the same form (TIFF 6.0, section 2;
/// BigTIFF, whose counts and offsets have eight bytes, as libtiff describes it).
/// Never reads outside its bytes: what is missing or damaged is absent.
class TiffDirectory {
 public:
  explicit TiffDirectory(ByteView bytes);

  /// All values of an entry of type BYTE, SHORT, LONG or LONG8; empty where there is none, or it lies outside the file.
  std::vector<int64_t> values(uint16_t tag) const;
  int64_t value(uint16_t tag, int64_t absent) const;
  /// Where the first value of an entry lies in the bytes, low byte of a SHORT; 0 where there is none.
  size_t low_byte_of_short(uint16_t tag) const;

 private:
  struct Location {
    size_t at = 0;     // 0: there is none, since the header lies there
    size_t width = 0;  // bytes per value
    size_t count = 0;
  };
  Location locate(uint16_t tag) const;
  int64_t number(size_t at, size_t width) const;
  size_t entry_size() const { return 4 + 2 * word_; }

  ByteView bytes_;
  bool big_endian_ = false;
  size_t word_ = 4;  // bytes of a count and of an offset
  size_t first_entry_ = 0;
  size_t entries_ = 0;
};

}  // namespace dcgan::data
