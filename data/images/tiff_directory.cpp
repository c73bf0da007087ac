#include "data/images/tiff_directory.h"

namespace dcgan::data {
namespace {

size_t type_width(int64_t type) {
  switch (type) {
    case 1:
      return 1;  // BYTE
    case 3:
      return 2;  // SHORT
    case 4:
      return 4;  // LONG
    case 16:
      return 8;  // LONG8
    default:
      return 0;
  }
}

}  // namespace

TiffDirectory::TiffDirectory(ByteView bytes) : bytes_(bytes), big_endian_(bytes.starts_with("MM")) {
  constexpr int64_t kClassic = 42;
  constexpr int64_t kBig = 43;
  if (bytes.size < 8 || !(big_endian_ || bytes.starts_with("II"))) return;
  const int64_t version = number(2, 2);
  if (version == kBig && bytes.size >= 16 && number(4, 2) == 8 && number(6, 2) == 0) word_ = 8;
  if (version != kClassic && word_ != 8) return;
  const auto offset = static_cast<size_t>(number(word_, word_));
  const size_t count_width = word_ == 8 ? 8 : 2;
  if (offset > bytes.size || bytes.size - offset < count_width) return;
  first_entry_ = offset + count_width;
  entries_ = std::min(static_cast<size_t>(number(offset, count_width)), (bytes.size - first_entry_) / entry_size());
}

int64_t TiffDirectory::number(size_t at, size_t width) const {
  uint64_t result = 0;
  for (size_t i = 0; i < width; ++i) result = result << 8 | bytes_.data[at + (big_endian_ ? i : width - 1 - i)];
  return static_cast<int64_t>(result);
}

TiffDirectory::Location TiffDirectory::locate(uint16_t tag) const {
  for (size_t i = 0; i < entries_; ++i) {
    const size_t entry = first_entry_ + i * entry_size();
    if (number(entry, 2) != tag) continue;
    const size_t width = type_width(number(entry + 2, 2));
    const auto count = static_cast<size_t>(number(entry + 4, word_));
    if (width == 0) return {};
    // Up to a word lies in the entry itself, more where it points.
    const size_t value = entry + 4 + word_;
    const size_t at = count <= word_ / width ? value : static_cast<size_t>(number(value, word_));
    if (at > bytes_.size || count > (bytes_.size - at) / width) return {};
    return {at, width, count};
  }
  return {};
}

std::vector<int64_t> TiffDirectory::values(uint16_t tag) const {
  const Location found = locate(tag);
  std::vector<int64_t> result(found.count);
  for (size_t k = 0; k < found.count; ++k) result[k] = number(found.at + k * found.width, found.width);
  return result;
}

int64_t TiffDirectory::value(uint16_t tag, int64_t absent) const {
  const std::vector<int64_t> all = values(tag);
  return all.empty() ? absent : all.front();
}

size_t TiffDirectory::low_byte_of_short(uint16_t tag) const {
  const Location found = locate(tag);
  return found.width == 2 && found.count > 0 ? found.at + (big_endian_ ? 1 : 0) : 0;
}

}  // namespace dcgan::data
