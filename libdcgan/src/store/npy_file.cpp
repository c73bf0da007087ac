#include "dcgan/npy_file.h"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "dcgan/errors.h"

namespace dcgan {
namespace {

// The header is a Python dictionary such as {'descr': '<f4', 'fortran_order': False, 'shape': (512, 3), }. Its keys may
// stand in any order.
class Header {
 public:
  Header(const std::string& path, const std::string& text) : path_(path), text_(text) {}

  void parse() {
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        descr = quoted();
      } else if (key == "fortran_order") {
        fortran_order = word();
      } else if (key == "shape") {
        shape = tuple();
      } else {
        fail("key '" + key + "' is unknown");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text follows the dictionary");
  }

  std::string descr, fortran_order;
  std::vector<int64_t> shape;

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(path_, "is no NumPy array that can be read: in its header, " + what + ".");
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("'") + c + "' is missing at character " + std::to_string(at_));
  }
  std::string quoted() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const size_t end = text_.find(quote, at_);
    if (end == std::string::npos) fail("a string does not end");
    std::string value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return value;
  }
  std::string word() {
    skip_space();
    const size_t start = at_;
    while (at_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return text_.substr(start, at_ - start);
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      skip_space();
      int64_t size = 0;
      const char* end = text_.data() + text_.size();
      const auto [stop, error] = std::from_chars(text_.data() + at_, end, size);
      if (error != std::errc() || size < 0) fail("the shape is no tuple of sizes");
      at_ = static_cast<size_t>(stop - text_.data());
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  const std::string& path_;
  const std::string& text_;
  size_t at_ = 0;
};

}  // namespace

NpyArray read_npy(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) throw FileError(path, "is no file; expected a NumPy array (.npy).");
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) throw FileError(path, "cannot be read.");

  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  if (bytes.size() < 12 || bytes.compare(0, 6, "\x93NUMPY") != 0) {
    throw FileError(path, "is no NumPy array: it does not start with \\x93NUMPY.");
  }
  const size_t version = byte(6);
  if (version < 1 || version > 3) {
    throw FileError(path, "has NumPy format " + std::to_string(version) + "; formats 1 to 3 can be read.");
  }
  const size_t start = version == 1 ? 10 : 12;
  const size_t length =
      version == 1 ? byte(8) + 256 * byte(9) : byte(8) + (byte(9) << 8) + (byte(10) << 16) + (byte(11) << 24);
  if (length > bytes.size() - start) {
    throw FileError(path, "is cut short: its header has " + std::to_string(length) + " bytes, the file " +
                              std::to_string(bytes.size()) + "; fetch it again.");
  }
  const std::string text = bytes.substr(start, length);
  Header header(path, text);
  header.parse();
  if (header.descr != "<f4" || header.fortran_order != "False") {
    throw FileError(path, "holds '" + header.descr + "', fortran_order " + header.fortran_order +
                              "; expected '<f4' (little-endian float32) and False (C order).");
  }
  const size_t data_bytes = bytes.size() - start - length;
  size_t count = 1;
  for (const int64_t size : header.shape) {
    // The product is compared with the data at each factor, so that it cannot overflow.
    if (size != 0 && count > data_bytes / static_cast<size_t>(size)) count = SIZE_MAX / 8;
    count = std::min(count, SIZE_MAX / 8) * (count == SIZE_MAX / 8 ? 1 : static_cast<size_t>(size));
  }
  if (count > data_bytes || count * sizeof(float) != data_bytes) {
    std::string shape;
    for (const int64_t size : header.shape) shape += (shape.empty() ? "" : " x ") + std::to_string(size);
    throw FileError(path, std::to_string(data_bytes) + " bytes of data do not make float32 " + shape +
                              "; the file is cut short or has bytes too many, fetch it again.");
  }
  NpyArray array{header.shape, std::vector<float>(count)};
  std::memcpy(array.values.data(), bytes.data() + start + length, data_bytes);
  return array;
}

}  // namespace dcgan
