#include "dcgan/npy_file.h"

#include <fcntl.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <set>

#include "base/files.h"
#include "base/foreign_file.h"
#include "dcgan/errors.h"

namespace dcgan {
namespace {

constexpr int64_t kValueBytes = sizeof(float);

// The header is a Python dictionary such as {'descr': '<f4', 'fortran_order': False, 'shape': (512, 3), }. Its keys may
// stand in any order.
class Header {
 public:
  Header(const std::string& path, const std::string& text) : path_(path), text_(text) {}

  void parse() {
    std::set<std::string> keys;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (!keys.insert(key).second) fail("key '" + key.substr(0, 40) + "' stands twice");
      if (key == "descr") {
        descr = quoted();
      } else if (key == "fortran_order") {
        fortran_order = word();
      } else if (key == "shape") {
        shape = tuple();
      } else {
        fail("key '" + key.substr(0, 40) + "' is unknown");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text follows the dictionary");
    if (keys.size() != 3) fail("descr, fortran_order or shape is missing");
  }

  std::string descr, fortran_order;
  std::vector<int64_t> shape;

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(path_, "is no NumPy array that can be read: in its header, ", what, ".");
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
    if (!accept(c)) fail(text_of("'", c, "' is missing at character ", at_));
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
      at_ = stop - text_.data();
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
  const base::File file(path, O_RDONLY);
  const int64_t file_bytes = file.size();
  constexpr int64_t kPrefixBytes = 12;  // magic, version and, from format 2 on, 4 bytes of the header's length
  std::array<unsigned char, kPrefixBytes> prefix{};
  if (file_bytes >= kPrefixBytes) file.read_at(0, prefix.data(), prefix.size());
  if (std::memcmp(prefix.data(), "\x93NUMPY", 6) != 0) {
    refuse_foreign(path);
    throw FileError(path, "is no NumPy array: it does not start with \\x93NUMPY and a header.");
  }
  const int version = prefix[6];
  if (version < 1 || version > 3) {
    throw FileError(path, "has NumPy format ", version, "; formats 1 to 3 can be read.");
  }
  const int64_t start = version == 1 ? 10 : kPrefixBytes;
  int64_t length = 0;
  for (int64_t i = start - 1; i >= 8; --i) length = 256 * length + prefix[i];
  const int64_t data_bytes = file_bytes - start - length;
  if (data_bytes < 0) {
    throw FileError(path, "is cut short: its header has ", length, " bytes, the file ", file_bytes,
                    "; fetch it again.");
  }
  std::string text(length, '\0');
  file.read_at(start, text.data(), text.size());
  Header header(path, text);
  header.parse();
  if (header.descr != "<f4" || header.fortran_order != "False") {
    throw FileError(path, "holds '", header.descr.substr(0, 40), "', fortran_order ",
                    header.fortran_order.substr(0, 40),
                    "; expected '<f4' (little-endian float32) and False (C order), as "
                    "numpy.ascontiguousarray(a, '<f4') makes them.");
  }
  // Values that the file has room for; one more stands for any larger product, so that none overflows.
  const int64_t most = data_bytes / kValueBytes;
  int64_t count = 1;
  for (const int64_t size : header.shape) count = size > 0 && count > most / size ? most + 1 : count * size;
  if (count * kValueBytes != data_bytes) {
    std::string shape;
    for (const int64_t size : header.shape) shape += text_of(shape.empty() ? "" : ", ", size);
    throw FileError(path, "has ", data_bytes, " bytes of data, which do not make float32 (", shape.substr(0, 80),
                    "); it is cut short or has bytes too many, fetch it again.");
  }
  NpyArray array{header.shape, std::vector<float>(count)};
  file.read_at(start + length, array.values.data(), data_bytes);
  return array;
}

}  // namespace dcgan
