#include "data/images/jpeg_scan.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

// The format: ITU-T T.81, annexes B (markers), C and F (Huffman coding of sequential JPEGs).
namespace dcgan::data {
namespace {

struct HuffmanTable {
  std::array<int, 17> codes{};   ///< of each length
  std::vector<uint8_t> symbols;  ///< in order of their codes
};

struct Component {
  int id = 0, horizontal = 1, vertical = 1;
  const HuffmanTable* dc = nullptr;
  const HuffmanTable* ac = nullptr;
};

// The bits up to the next marker, zeros that are stuffed behind 0xFF left out.
class Bits {
 public:
  explicit Bits(ByteView data) : data_(data) {}

  std::optional<int> bit() {
    if (left_ == 0) {
      const std::optional<int> next = byte();
      if (!next) return std::nullopt;
      current_ = *next;
      left_ = 8;
    }
    return current_ >> --left_ & 1;
  }
  bool skip(int count) {
    while (count > 0 && bit()) --count;
    return count == 0;
  }
  /// Of the current byte; false if one of them is no one.
  bool take_padding() {
    const bool ones = (current_ & ((1 << left_) - 1)) == (1 << left_) - 1;
    left_ = 0;
    return ones;
  }
  int left() const { return left_; }  ///< bits of the current byte
  bool at_marker() const { return at_ + 1 >= data_.size || (data_.data[at_] == 0xFF && data_.data[at_ + 1] != 0); }
  /// Whether marker RSTn stands here, which is then behind us.
  bool take_restart() {
    if (at_ + 1 >= data_.size || data_.data[at_] != 0xFF || (data_.data[at_ + 1] & 0xF8) != 0xD0) return false;
    at_ += 2;
    return true;
  }

 private:
  std::optional<int> byte() {
    if (at_marker()) return std::nullopt;
    const int value = data_.data[at_];
    at_ += value == 0xFF ? 2 : 1;
    return value;
  }

  ByteView data_;
  size_t at_ = 0;
  int current_ = 0, left_ = 0;
};

std::optional<int> symbol(Bits& bits, const HuffmanTable& table) {
  int code = 0, first = 0;
  size_t index = 0;
  for (size_t length = 1; length <= 16; ++length) {
    const std::optional<int> bit = bits.bit();
    if (!bit) return std::nullopt;
    code = code << 1 | *bit;
    const int count = table.codes[length];
    if (code - first < count) return table.symbols[index + static_cast<size_t>(code - first)];
    index += static_cast<size_t>(count);
    first = (first + count) << 1;
  }
  return std::nullopt;
}

// 64 coefficients: F.2.2.1 and F.2.2.2. @return whether they are there
bool take_block(Bits& bits, const Component& component) {
  const std::optional<int> size = symbol(bits, *component.dc);
  if (!size || !bits.skip(*size)) return false;
  for (int k = 1; k < 64; ++k) {
    const std::optional<int> run_and_size = symbol(bits, *component.ac);
    if (!run_and_size) return false;
    const int run = *run_and_size >> 4, coefficient = *run_and_size & 15;
    if (coefficient == 0 && run != 15) return true;
    k += run;
    if (k > 63 || !bits.skip(coefficient)) return false;
  }
  return true;
}

class Jpeg {
 public:
  explicit Jpeg(ByteView bytes) : rest_(bytes.part(2)) {}

  /// Reads up to the data of the first scan. @return whether that is the only one, and a kind that is known here
  bool read_header() {
    while (rest_.size >= 4) {
      const int marker = rest_.data[1];
      if (rest_.data[0] == 0 || marker == 0xFF) {  // zeros between the tables, and what markers may be filled with
        rest_ = rest_.part(1);
        continue;
      }
      if (rest_.data[0] != 0xFF) return false;
      const size_t length = static_cast<size_t>(rest_.data[2]) << 8 | rest_.data[3];
      if (length < 2 || rest_.size < length + 2) return false;
      const ByteView content{rest_.data + 4, length - 2};
      rest_ = rest_.part(length + 2);
      const bool other_frame = marker >= 0xC2 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
      if (other_frame || (marker == 0xC4 && !read_tables(content))) return false;
      if ((marker == 0xC0 || marker == 0xC1) && !read_frame(content)) return false;
      if (marker == 0xDD && content.size >= 2) restart_interval_ = content.data[0] << 8 | content.data[1];
      if (marker == 0xDA) return read_scan(content);
    }
    return false;
  }

  bool scan_is_whole() const {
    Bits bits(rest_);
    const int64_t units = across_ * down_;
    for (int64_t unit = 0; unit < units; ++unit) {
      if (restart_interval_ > 0 && unit > 0 && unit % restart_interval_ == 0) {
        if (!bits.take_padding() || !bits.take_restart()) return false;
      }
      if (!take_unit(bits)) return false;
    }
    // Few bits that happen to be ones say little.
    constexpr int kTelling = 4;
    Bits behind = bits;
    const bool telling = bits.left() >= kTelling;
    if (!bits.take_padding()) return false;
    if (telling || restart_interval_ > 0) return true;
    while (take_unit(behind)) {
      if (behind.at_marker() && behind.left() < 8 && behind.take_padding()) return false;
    }
    return true;
  }

 private:
  bool read_tables(ByteView content) {
    while (content.size >= 17) {
      const int place = content.data[0];
      HuffmanTable table;
      size_t symbols = 0;
      for (size_t length = 1; length <= 16; ++length)
        symbols += static_cast<size_t>(table.codes[length] = content.data[length]);
      if (content.size < 17 + symbols || (place & 0x0F) > 3 || place > 0x1F) return false;
      table.symbols.assign(content.data + 17, content.data + 17 + symbols);
      tables_[static_cast<size_t>(place >> 4)][static_cast<size_t>(place & 3)] = table;
      content = content.part(17 + symbols);
    }
    return content.size == 0;
  }

  bool read_frame(ByteView content) {
    if (content.size < 6 || content.data[0] != 8) return false;
    height_ = content.data[1] << 8 | content.data[2];
    width_ = content.data[3] << 8 | content.data[4];
    const size_t count = content.data[5];
    if (content.size < 6 + 3 * count || count > 4) return false;
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* c = content.data + 6 + 3 * i;
      components_.push_back({c[0], c[1] >> 4, c[1] & 15, nullptr, nullptr});
      if (components_.back().horizontal == 0 || components_.back().vertical == 0) return false;
    }
    return height_ > 0 && width_ > 0 && count > 0;
  }

  bool read_scan(ByteView content) {
    const size_t count = components_.size();
    if (count == 0 || content.size < 1 + 2 * count || content.data[0] != count) return false;
    for (size_t i = 0; i < count; ++i) {
      Component& component = components_[i];
      const int tables = content.data[2 + 2 * i];
      if (content.data[1 + 2 * i] != component.id || (tables >> 4) > 3 || (tables & 15) > 3) return false;
      component.dc = &tables_[0][static_cast<size_t>(tables >> 4)];
      component.ac = &tables_[1][static_cast<size_t>(tables & 15)];
    }
    if (count == 1) components_[0].horizontal = components_[0].vertical = 1;  // A.2.2: a block is a unit
    int horizontal = 1, vertical = 1;
    for (const Component& c : components_) {
      horizontal = std::max(horizontal, c.horizontal);
      vertical = std::max(vertical, c.vertical);
    }
    across_ = (width_ + 8 * horizontal - 1) / (8 * horizontal);
    down_ = (height_ + 8 * vertical - 1) / (8 * vertical);
    return true;
  }

  bool take_unit(Bits& bits) const {
    for (const Component& c : components_) {
      for (int block = 0; block < c.horizontal * c.vertical; ++block) {
        if (!take_block(bits, c)) return false;
      }
    }
    return true;
  }

  ByteView rest_;
  std::array<std::array<HuffmanTable, 4>, 2> tables_;  ///< of DC, of AC
  std::vector<Component> components_;
  int64_t height_ = 0, width_ = 0, across_ = 0, down_ = 0;
  int64_t restart_interval_ = 0;
};

}  // namespace

bool scan_is_whole(ByteView jpeg) {
  Jpeg file(jpeg);
  return jpeg.size > 2 && file.read_header() && file.scan_is_whole();
}

}  // namespace dcgan::data
