#include "data/images/jpeg_scan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

// The format: ITU-T T.81, annexes B (markers), F and G (Huffman coding of sequential and progressive JPEGs).
namespace dcgan::data {
namespace {

struct HuffmanTable {
  std::array<int, 17> codes{};   ///< of each length
  std::vector<uint8_t> symbols;  ///< in order of their codes
};

using Steps = std::array<int, 64>;  ///< of the quantiser, in the order of the coefficients in a scan

struct Component {
  int id = 0, horizontal = 1, vertical = 1;
  size_t steps = 0;  ///< place of its quantiser
  HuffmanTable dc{}, ac{};
  int64_t across = 0, down = 0;        ///< blocks that show something of the image
  int64_t row = 0;                     ///< blocks in a row with those that fill the last unit
  int dc_value = 0;                    ///< of the block before
  std::vector<uint64_t> nonzero = {};  ///< progressive: for each block, coefficients that are not zero so far
};

struct ScanHeader {
  std::vector<size_t> components;
  int first = 0, last = 63, refined = 0, shift = 0;  ///< Ss, Se, Ah, Al; of a sequential scan those of all 64
};

int unsigned16(const uint8_t* bytes) { return bytes[0] << 8 | bytes[1]; }

int64_t parts_of(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

// Where the next marker begins, its fill bytes included, or the end. Zeros behind 0xFF make a byte of data of it.
size_t next_marker(ByteView file, size_t at) {
  for (; at < file.size; ++at) {
    if (file.data[at] != 0xFF) continue;
    size_t code = at;
    while (code < file.size && file.data[code] == 0xFF) ++code;
    if (code == file.size || file.data[code] != 0) return at;
    at = code;
  }
  return file.size;
}

// The bits up to a marker, zeros that are stuffed behind 0xFF left out.
class Bits {
 public:
  Bits(ByteView file, size_t begin, size_t end) : file_(file), at_(begin), end_(end) {}

  std::optional<int> take(int count) {
    int value = 0;
    for (; count > 0; --count) {
      if (left_ == 0 && !take_byte()) return std::nullopt;
      value = value << 1 | (current_ >> --left_ & 1);
    }
    return value;
  }
  /// A signed value of so many bits: F.2.2.1, EXTEND.
  std::optional<int> take_value(int count) {
    const std::optional<int> bits = take(count);
    return !bits || count == 0 || *bits >> (count - 1) == 1 ? bits : std::optional(*bits - (1 << count) + 1);
  }
  bool at_end() const { return at_ >= end_; }  ///< but for what is left of the last byte
  size_t at() const { return at_; }
  /// Of the current byte.
  bool left_are_ones() const { return (current_ & ((1 << left_) - 1)) == (1 << left_) - 1; }

 private:
  bool take_byte() {
    if (at_end()) return false;
    current_ = file_.data[at_];
    while (current_ == 0xFF && file_.data[at_] == 0xFF) ++at_;
    ++at_;
    left_ = 8;
    return true;
  }

  ByteView file_;
  size_t at_, end_;
  int current_ = 0, left_ = 0;
};

std::optional<int> take_symbol(Bits& bits, const HuffmanTable& table) {
  int code = 0, first = 0;
  size_t index = 0;
  for (size_t length = 1; length <= 16; ++length) {
    const std::optional<int> bit = bits.take(1);
    if (!bit) return std::nullopt;
    code = code << 1 | *bit;
    const int count = table.codes[length];
    if (code - first < count) return table.symbols[index + code - first];
    index += count;
    first = (first + count) << 1;
  }
  return std::nullopt;
}

// No 64 samples of 8 bits have a larger coefficient than 1024 = 8 x 128, whatever the frequency. A step more is for
// rounding.
bool is_of_a_picture(int value, int step) { return std::abs(value) * int64_t{step} <= 1024 + int64_t{step}; }

using Values = std::array<int, 64>;  ///< coefficients before they are multiplied by the steps

// A.3.3: [frequency][place] of the transform, which is orthonormal.
const std::array<std::array<double, 8>, 8>& cosines() {
  static const auto table = [] {
    std::array<std::array<double, 8>, 8> t{};
    for (size_t u = 0; u < 8; ++u) {
      for (size_t x = 0; x < 8; ++x) {
        t[u][x] = u == 0 ? std::sqrt(0.125) : 0.5 * std::cos(static_cast<double>((2 * x + 1) * u) * M_PI / 16);
      }
    }
    return t;
  }();
  return table;
}

// Rounding moves a block by half the length of its steps at most, so that no block is further than that from those of
// samples in 0..255. Twice as much is for encoders that round otherwise.
bool is_of_a_picture(const Values& values, const Steps& steps) {
  double rows[8][8] = {};  // [frequency down][place across]
  double moved = 0, outside = 0;
  int up = 1, across = 0, down = 0;  // figure 5: back and forth along the diagonals
  for (size_t k = 0; k < 64; ++k) {
    const double value = values[k] * static_cast<double>(steps[k]);
    moved += static_cast<double>(steps[k]) * steps[k];
    for (size_t x = 0; x < 8; ++x) rows[down][x] += value * cosines()[across][x];
    if (up > 0 ? across == 7 || down == 0 : down == 7 || across == 0) {
      (up > 0 ? across < 7 : down == 7) ? ++across : ++down;
      up = -up;
    } else {
      across += up;
      down -= up;
    }
  }
  for (size_t y = 0; y < 8; ++y) {
    for (size_t x = 0; x < 8; ++x) {
      double sample = 0;
      for (size_t v = 0; v < 8; ++v) sample += rows[v][x] * cosines()[v][y];
      const double beyond = std::max({0.0, sample - 127, -128 - sample});
      outside += beyond * beyond;
    }
  }
  return outside <= moved;
}

// The blocks of one scan. Each function takes one, and says whether it is there and one that an image can have.
class Blocks {
 public:
  Blocks(const ScanHeader& scan, bool progressive) : scan_(scan), progressive_(progressive) {}

  void restart() { empty_blocks_ = 0; }
  bool run_goes_on() const { return empty_blocks_ > 0; }

  /// @param nonzero  of this block; sequential scans need none
  bool take(Bits& bits, Component& component, const Steps& steps, uint64_t* nonzero) {
    if (!progressive_) {
      values_ = {};
      return take_dc(bits, component, steps) && take_ac(bits, component, steps, nullptr) &&
             is_of_a_picture(values_, steps);
    }
    if (scan_.first == 0) return scan_.refined > 0 ? bits.take(1).has_value() : take_dc(bits, component, steps);
    return scan_.refined > 0 ? refine_ac(bits, component, *nonzero) : take_ac(bits, component, steps, nonzero);
  }

 private:
  bool take_dc(Bits& bits, Component& component, const Steps& steps) {
    const std::optional<int> size = take_symbol(bits, component.dc);
    const std::optional<int> difference = size && *size <= 16 ? bits.take_value(*size) : std::nullopt;
    if (!difference) return false;
    values_[0] = component.dc_value += *difference;
    return is_of_a_picture(component.dc_value, steps[0] << scan_.shift);
  }

  bool take_ac(Bits& bits, const Component& component, const Steps& steps, uint64_t* nonzero) {
    if (empty_blocks_ > 0) {
      --empty_blocks_;
      return true;
    }
    for (int k = std::max(scan_.first, 1); k <= scan_.last; ++k) {
      const std::optional<int> run_and_size = take_symbol(bits, component.ac);
      if (!run_and_size) return false;
      const int run = *run_and_size >> 4, size = *run_and_size & 15;
      if (size == 0 && run != 15) return take_run(bits, run) && empty_blocks_-- > 0;
      k += run;
      const std::optional<int> value = k > 63 ? std::nullopt : bits.take_value(size);
      if (!value || !is_of_a_picture(*value, steps[k] << scan_.shift)) return false;
      values_[k] = *value;
      if (nonzero != nullptr && *value != 0) *nonzero |= uint64_t{1} << k;
    }
    return true;
  }

  // How many blocks are empty from here on, this one included.
  bool take_run(Bits& bits, int size) {
    const std::optional<int> more = progressive_ ? bits.take(size) : 0;
    empty_blocks_ = more ? (progressive_ ? 1 << size : 1) + *more : 0;
    return more.has_value();
  }

  // G.1.2.3: a bit for each coefficient that is not zero already, and new ones between them.
  bool refine_ac(Bits& bits, const Component& component, uint64_t& nonzero) {
    int k = scan_.first;
    const auto is_set = [&nonzero](int place) { return (nonzero >> place & 1) != 0; };
    for (; empty_blocks_ == 0 && k <= scan_.last; ++k) {
      const std::optional<int> run_and_size = take_symbol(bits, component.ac);
      if (!run_and_size) return false;
      int run = *run_and_size >> 4;
      const bool is_new = (*run_and_size & 15) != 0;
      if (is_new ? !bits.take(1) : run != 15 && !take_run(bits, run)) return false;
      if (empty_blocks_ > 0) break;
      for (; k <= scan_.last && (is_set(k) || run-- > 0); ++k) {
        if (is_set(k) && !bits.take(1)) return false;
      }
      if (is_new && k <= scan_.last) nonzero |= uint64_t{1} << k;
    }
    if (empty_blocks_ == 0) return true;
    --empty_blocks_;
    for (; k <= scan_.last; ++k) {
      if (is_set(k) && !bits.take(1)) return false;
    }
    return true;
  }

  const ScanHeader& scan_;
  bool progressive_;
  int empty_blocks_ = 0;
  Values values_{};  ///< of the block
};

class Jpeg {
 public:
  Jpeg(ByteView file, size_t marker) : file_(file), wanted_(marker) {}

  bool is_whole_before_marker() {
    for (size_t at = 2; !verdict_;) {
      at = next_marker(file_, at);
      while (at + 1 < file_.size && file_.data[at + 1] == 0xFF) ++at;
      if (at + 4 > file_.size) return false;
      const int marker = file_.data[at + 1];
      const auto length = unsigned16(file_.data + at + 2);
      if (length < 2 || at + 2 + length > file_.size) return false;
      at += 2 + length;
      if (!read_segment(marker, file_.part(at + 2 - length, length - 2))) return false;
      if (marker == 0xDA) at = walk_scan(at);
    }
    return *verdict_;
  }

 private:
  // @return whether it is what this code knows
  bool read_segment(int marker, ByteView content) {
    switch (marker) {
      case 0xC0:
      case 0xC1:
      case 0xC2:
        progressive_ = marker == 0xC2;
        return read_frame(content);
      case 0xC4:
        return read_huffman_tables(content);
      case 0xDA:
        return read_scan(content);
      case 0xDB:
        return read_steps(content);
      case 0xDD:
        restart_interval_ = content.size < 2 ? 0 : unsigned16(content.data);
        return true;
      default:
        return (marker & 0xF0) != 0xC0 && marker != 0xD9;
    }
  }

  bool read_huffman_tables(ByteView content) {
    while (content.size >= 17) {
      const int place = content.data[0];
      HuffmanTable table;
      size_t symbols = 0;
      for (size_t length = 1; length <= 16; ++length) symbols += table.codes[length] = content.data[length];
      if (content.size < 17 + symbols || (place & 0x0F) > 3 || place > 0x1F) return false;
      table.symbols.assign(content.data + 17, content.data + 17 + symbols);
      tables_[place >> 4][place & 3] = table;
      content = content.part(17 + symbols);
    }
    return content.size == 0;
  }

  bool read_steps(ByteView content) {
    while (content.size > 0) {
      const size_t bytes = content.data[0] >> 4 == 0 ? 1 : 2, place = content.data[0] & 15;
      if (content.size < 1 + 64 * bytes || place > 3) return false;
      for (size_t k = 0; k < 64; ++k) {
        steps_[place][k] = bytes == 1 ? content.data[1 + k] : unsigned16(content.data + 1 + 2 * k);
      }
      content = content.part(1 + 64 * bytes);
    }
    return true;
  }

  bool read_frame(ByteView content) {
    if (!components_.empty() || content.size < 6 || content.data[0] != 8) return false;
    const int64_t height = unsigned16(content.data + 1), width = unsigned16(content.data + 3);
    const size_t count = content.data[5];
    if (content.size < 6 + 3 * count || count > 4 || count == 0 || height == 0 || width == 0) return false;
    int horizontal = 1, vertical = 1;
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* c = content.data + 6 + 3 * i;
      components_.push_back({c[0], c[1] >> 4, c[1] & 15, c[2]});
      const Component& component = components_.back();
      if (component.horizontal == 0 || component.vertical == 0 || component.steps > 3) return false;
      horizontal = std::max(horizontal, component.horizontal);
      vertical = std::max(vertical, component.vertical);
    }
    across_ = parts_of(width, 8 * horizontal);
    down_ = parts_of(height, 8 * vertical);
    for (Component& c : components_) {
      c.across = parts_of(parts_of(width * c.horizontal, horizontal), 8);
      c.down = parts_of(parts_of(height * c.vertical, vertical), 8);
      c.row = across_ * c.horizontal;
      if (progressive_) c.nonzero.assign(c.row * down_ * c.vertical, 0);
    }
    return true;
  }

  bool read_scan(ByteView content) {
    const size_t count = content.size == 0 ? 0 : content.data[0];
    if (count == 0 || content.size < 4 + 2 * count) return false;
    scan_ = {};
    for (size_t i = 0; i < count; ++i) {
      const int id = content.data[1 + 2 * i], tables = content.data[2 + 2 * i];
      const auto found =
          std::find_if(components_.begin(), components_.end(), [id](const Component& c) { return c.id == id; });
      if (found == components_.end() || (tables >> 4) > 3 || (tables & 15) > 3) return false;
      found->dc = tables_[0][tables >> 4];
      found->ac = tables_[1][tables & 15];
      scan_.components.push_back(found - components_.begin());
    }
    const uint8_t* last = content.data + 1 + 2 * count;
    if (progressive_) scan_ = {scan_.components, last[0], last[1], last[2] >> 4, last[2] & 15};
    return scan_.first <= scan_.last && scan_.last <= 63 && (scan_.first == 0 || count == 1);
  }

  // Walks through its data, to the marker that follows, and comes to a verdict where that is the one.
  size_t walk_scan(size_t at) {
    const Component& first = components_[scan_.components[0]];
    const int64_t units = is_interleaved() ? across_ * down_ : first.across * first.down;
    Blocks blocks(scan_, progressive_);
    for (int64_t unit = 0; unit < units;) {
      const size_t marker = next_marker(file_, at);
      Bits bits(file_, at, marker);
      const int64_t end = restart_interval_ > 0 ? std::min(units, unit + restart_interval_) : units;
      blocks.restart();
      for (Component& c : components_) c.dc_value = 0;
      bool taken = true;
      for (; taken && unit < end; ++unit) taken = take_unit(bits, blocks, unit);
      if (!taken || marker >= wanted_) {
        verdict_ = taken && marker == wanted_ && bits.left_are_ones() && !blocks.run_goes_on() &&
                   (is_surplus(bits.at()) || !go_on(bits, blocks));
      }
      at = marker;
      if (verdict_ || unit == units) break;
      while (at < file_.size && file_.data[at] == 0xFF) ++at;
      if (at == file_.size || (file_.data[at] & 0xF8) != 0xD0) {  // RSTn
        verdict_ = false;
        break;
      }
      ++at;
    }
    return at;
  }

  // Few bytes may look like blocks by chance, and so does what some buffer had in it from this scan.
  bool is_surplus(size_t at) const {
    constexpr size_t kMany = 128, kTelling = 16;
    const uint8_t* begin = file_.data + at;
    return wanted_ - at < kMany || std::search(file_.data, begin, begin, begin + kTelling) != begin;
  }

  // Whether blocks of an image follow, up to the marker, and end as a scan does.
  bool go_on(Bits bits, Blocks blocks) {
    while (!progressive_ && take_unit(bits, blocks, 0)) {
      if (bits.at_end()) return bits.left_are_ones();
    }
    return false;
  }

  // A.2: a scan of one component has blocks for units.
  bool is_interleaved() const { return scan_.components.size() > 1; }

  bool take_unit(Bits& bits, Blocks& blocks, int64_t unit) {
    for (const size_t place : scan_.components) {
      Component& c = components_[place];
      const int64_t width = is_interleaved() ? c.horizontal : 1, height = is_interleaved() ? c.vertical : 1;
      const int64_t in_a_row = is_interleaved() ? across_ : c.across;
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          const int64_t block = (unit / in_a_row * height + y) * c.row + unit % in_a_row * width + x;
          uint64_t* nonzero = c.nonzero.empty() ? nullptr : &c.nonzero[block];
          if (!blocks.take(bits, c, steps_[c.steps], nonzero)) return false;
        }
      }
    }
    return true;
  }

  ByteView file_;
  size_t wanted_;
  std::optional<bool> verdict_;
  bool progressive_ = false;
  std::array<std::array<HuffmanTable, 4>, 2> tables_;  ///< of DC, of AC
  std::array<Steps, 4> steps_{};
  std::vector<Component> components_;
  ScanHeader scan_;
  int64_t across_ = 0, down_ = 0;  ///< units of an interleaved scan
  int64_t restart_interval_ = 0;
};

}  // namespace

bool scan_is_whole(ByteView jpeg, size_t marker) { return Jpeg(jpeg, marker).is_whole_before_marker(); }

}  // namespace dcgan::data
