#include "data/matlab_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/foreign_file.h"
#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

constexpr int64_t kHeaderBytes = 128;
constexpr int64_t kTagBytes = 8;
constexpr int64_t kDeflateRatio = 1032;  // the most that deflate can expand: zlib.net/zlib_tech.html

// Types of data elements.
constexpr uint32_t kInt8 = 1, kUint8 = 2, kInt32 = 5, kUint32 = 6, kMatrix = 14, kCompressed = 15;

// Classes of arrays; numbers begin at double.
constexpr std::array<const char*, 18> kClasses = {"unknown", "cell",   "struct", "object", "char",     "sparse",
                                                  "double",  "single", "int8",   "uint8",  "int16",    "uint16",
                                                  "int32",   "uint32", "int64",  "uint64", "function", "opaque"};
constexpr uint32_t kDouble = 6, kUint64 = 15;

int64_t bytes_of_number(uint32_t type) {
  constexpr std::array<int64_t, 14> kBytes = {0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8};
  return type < kBytes.size() ? kBytes[type] : 0;
}

template <class T>
double number_at(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return static_cast<double>(value);
}

double number_of(uint32_t type, const uint8_t* bytes) {
  switch (type) {
    case kInt8:
      return number_at<int8_t>(bytes);
    case kUint8:
      return number_at<uint8_t>(bytes);
    case 3:
      return number_at<int16_t>(bytes);
    case 4:
      return number_at<uint16_t>(bytes);
    case kInt32:
      return number_at<int32_t>(bytes);
    case kUint32:
      return number_at<uint32_t>(bytes);
    case 7:
      return number_at<float>(bytes);
    case 9:
      return number_at<double>(bytes);
    case 12:
      return number_at<int64_t>(bytes);
    default:
      return number_at<uint64_t>(bytes);
  }
}

uint32_t word_at(const uint8_t* bytes) {
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

}  // namespace

// A zlib stream inside a file.
struct MatlabFile::Inflater {
  explicit Inflater(int64_t compressed) : left(compressed), buffer(1 << 16) {
    if (inflateInit(&zip) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&zip); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Inflates up to `bytes`, fewer at the end of the stream. @return how many, or -1 if the stream is damaged.
  int64_t inflate_some(std::ifstream& file, void* out, int64_t bytes) {
    int64_t done = 0;
    while (done < bytes && !ended) {
      if (zip.avail_in == 0) {
        const int64_t count = std::min<int64_t>(left, static_cast<int64_t>(buffer.size()));
        if (count == 0 || !file.read(reinterpret_cast<char*>(buffer.data()), count)) return -1;
        left -= count;
        zip.next_in = buffer.data();
        zip.avail_in = static_cast<uInt>(count);
      }
      const int64_t step = std::min<int64_t>(bytes - done, 1 << 30);
      zip.next_out = static_cast<Bytef*>(out) + done;
      zip.avail_out = static_cast<uInt>(step);
      const int result = inflate(&zip, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END) return -1;
      done += step - zip.avail_out;
      ended = result == Z_STREAM_END;
    }
    return done;
  }

  z_stream zip = {};
  int64_t left;  // compressed bytes that were not read from the file
  std::vector<uint8_t> buffer;
  bool ended = false;
};

MatlabFile::MatlabFile(const std::string& path) : path_(path), file_(path, std::ios::binary | std::ios::ate) {
  if (!file_) throw FileError(path, "cannot be opened; a MATLAB file was expected.");
  size_ = file_.tellg();
  file_.seekg(0);
  std::array<uint8_t, kHeaderBytes> header = {};
  if (size_ < kHeaderBytes || !file_.read(reinterpret_cast<char*>(header.data()), kHeaderBytes)) {
    refuse_foreign(path);
    throw FileError(path, size_, " bytes, too few for a MATLAB 5 file; fetch it again.");
  }
  constexpr uint8_t kHdf5[] = {0x89, 'H', 'D', 'F'};
  const uint8_t* version = header.data() + 124;
  if (std::equal(kHdf5, kHdf5 + 4, header.data()) || (version[1] == 2 && version[2] == 'I')) {
    throw FileError(path, "is a MATLAB 7.3 file (HDF5), expected version 5; save it again with -v7.");
  }
  if (version[2] == 'M' && version[3] == 'I') {
    throw FileError(path, "is a big-endian MATLAB file, expected a little-endian one; save it again on this machine.");
  }
  if (version[1] != 1 || version[2] != 'I' || version[3] != 'M') {
    refuse_foreign(path);
    throw FileError(path, "is no MATLAB 5 file: bytes 124 to 127 are not its version; fetch it again.");
  }
  next_at_ = kHeaderBytes;
}

MatlabFile::~MatlabFile() = default;

void MatlabFile::damaged(const std::string& what) const {
  throw FileError(path_, "is damaged in the variable ", array_.name.empty() ? "" : "\"" + array_.name + "\" ",
                  "at byte ", at_, ": ", what, "; fetch it again.");
}

void MatlabFile::take(void* out, int64_t bytes) {
  if (bytes > left_) damaged("it ends too early");
  auto* to = static_cast<uint8_t*>(out);
  left_ -= bytes;
  for (; put_back_ > 0 && bytes > 0; --put_back_, --bytes) *to++ = small_[4 - put_back_];
  if (inflater_) {
    if (inflater_->inflate_some(file_, to, bytes) != bytes) damaged("its compressed data are corrupt or end too early");
  } else if (!file_.read(reinterpret_cast<char*>(to), bytes)) {
    throw FileError(path_, "cannot be read at byte ", at_, ".");
  }
}

// A tag has eight bytes; where at most four bytes of data follow, these may stand in its second half.
MatlabFile::Tag MatlabFile::take_tag() {
  uint8_t bytes[kTagBytes];
  take(bytes, kTagBytes);
  const uint32_t first = word_at(bytes);
  if (first >> 16 == 0) {
    const int64_t count = word_at(bytes + 4);
    return {first, count, (8 - count % 8) % 8};
  }
  const int64_t count = first >> 16;
  if (count > 4) damaged(text_of("a small element has ", count, " bytes, expected at most 4"));
  std::copy_n(bytes + 4, 4, small_);
  put_back_ = 4;
  left_ += 4;
  return {first & 0xffff, count, 4 - count};
}

std::vector<uint8_t> MatlabFile::take_element(uint32_t type, int64_t most) {
  const Tag tag = take_tag();
  if (tag.type != type || tag.bytes > most) {
    damaged(text_of("an element of type ", tag.type, " with ", tag.bytes, " bytes, expected type ", type,
                    " with at most ", most));
  }
  std::vector<uint8_t> data(tag.bytes + tag.padding);
  take(data.data(), tag.bytes + tag.padding);
  data.resize(tag.bytes);
  return data;
}

// After the values: the padding, and in a compressed variable the checksum, which is at the end of the stream.
void MatlabFile::check_end() {
  uint8_t rest[8];
  take(rest, std::min(values_.padding, left_));
  if (inflater_ && (left_ != 0 || inflater_->inflate_some(file_, rest, 1) != 0)) {
    damaged("its compressed data do not end, or fail their checksum");
  }
}

bool MatlabFile::next() {
  constexpr int64_t kMostDimensions = 32, kMostLetters = 4096;
  for (;;) {
    array_ = {};
    inflater_.reset();
    put_back_ = 0;
    at_ = next_at_;
    if (at_ == size_) return false;
    file_.clear();
    file_.seekg(at_);
    left_ = kTagBytes;
    if (size_ - at_ < kTagBytes) throw FileError(path_, "is cut short at its end; fetch it again.");
    uint8_t tag[kTagBytes];
    take(tag, kTagBytes);
    const uint32_t type = word_at(tag);
    const int64_t bytes = word_at(tag + 4);
    if (bytes > size_ - at_ - kTagBytes) {
      throw FileError(path_, "is cut short: ", size_, " bytes, expected at least ", at_ + kTagBytes + bytes,
                      "; fetch it again.");
    }
    next_at_ = at_ + kTagBytes + bytes;
    left_ = bytes;
    if (type == kCompressed) {
      inflater_ = std::make_unique<Inflater>(bytes);
      left_ = kTagBytes;
      const Tag inner = take_tag();
      if (inner.bytes > kDeflateRatio * (bytes + 1)) damaged("it says to hold more than its compressed data can");
      left_ = inner.bytes;
      if (inner.type != kMatrix) continue;
    } else if (type != kMatrix) {
      continue;
    }
    if (left_ == 0) continue;  // an empty matrix, without even a name

    const std::vector<uint8_t> flags = take_element(kUint32, 8);
    if (flags.size() != 8) damaged(text_of("its flags have ", flags.size(), " bytes, expected 8"));
    const uint32_t array_class = flags[0];
    constexpr uint8_t kComplex = 0x08;
    const bool complex = (flags[1] & kComplex) != 0;
    array_.type = std::string(complex ? "complex " : "") + kClasses[array_class < kClasses.size() ? array_class : 0];
    if (array_class == 0 || array_class > kUint64) continue;  // functions and opaque objects are laid out otherwise

    const std::vector<uint8_t> shape = take_element(kInt32, 4 * kMostDimensions);
    const std::vector<uint8_t> name = take_element(kInt8, kMostLetters);
    array_.name.assign(name.begin(), name.end());
    array_.count = 1;
    for (size_t d = 0; d + 4 <= shape.size(); d += 4) {
      const auto side = static_cast<int32_t>(word_at(shape.data() + d));
      array_.shape.push_back(side);
      if (side < 0 || __builtin_mul_overflow(array_.count, side, &array_.count)) damaged("it has an impossible shape");
    }
    array_.numeric = array_class >= kDouble && !complex;
    if (array_.numeric) {
      values_ = take_tag();
      const int64_t each = bytes_of_number(values_.type);
      if (each == 0 || values_.bytes % each != 0 || values_.bytes / each != array_.count || values_.bytes > left_) {
        damaged(text_of("its values have ", values_.bytes, " bytes, which does not fit its shape or size"));
      }
      values_left_ = array_.count;
    }
    return true;
  }
}

void MatlabFile::read(uint8_t* values, int64_t count) {
  if (!array_.numeric || values_.type != kUint8 || count > values_left_) damaged("it is not stored as uint8");
  take(values, count);
  values_left_ -= count;
  if (values_left_ == 0) check_end();
}

std::vector<double> MatlabFile::read_numbers() {
  if (!array_.numeric) damaged("it is of type " + array_.type + ", expected numbers");
  std::vector<uint8_t> bytes(values_.bytes);
  take(bytes.data(), values_.bytes);
  check_end();
  std::vector<double> numbers;
  const int64_t each = bytes_of_number(values_.type);
  for (int64_t i = 0; i < array_.count; ++i) numbers.push_back(number_of(values_.type, bytes.data() + i * each));
  return numbers;
}

}  // namespace dcgan::data
