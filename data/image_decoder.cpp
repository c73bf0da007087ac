#include "data/image_decoder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>
#include <opencv2/core/version.hpp>

#include "data/image_library.h"
#include "dcgan/options.h"

namespace dcgan::data {
namespace {

RgbImage decode(ByteView bytes, const DecodeOptions& options) {
  if (bytes.size == 0) throw DecodeError("the file is empty");
  const ImageFormat format = image_format(bytes);
  if (format != ImageFormat::kNone) return image_library().decode(format, bytes, options);
  if (bytes.starts_with("GIF8")) throw DecodeError("GIF is not supported, animated or not");
  throw DecodeError("not an image: the first bytes are those of no JPEG, PNG, WebP, BMP or TIFF");
}

std::vector<uint8_t> read_file(const std::string& path) {
  struct Descriptor {
    int value;
    ~Descriptor() {
      if (value >= 0) ::close(value);
    }
  };
  // Without O_NONBLOCK, opening a named pipe waits for ever.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (file.value < 0 || ::fstat(file.value, &status) != 0) {
    throw DecodeError(std::string("cannot be opened: ") + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) throw DecodeError("not a regular file");
  std::vector<uint8_t> bytes(static_cast<size_t>(status.st_size));
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = ::read(file.value, bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw DecodeError(std::string("cannot be read: ") + std::strerror(errno));
    if (count == 0) throw DecodeError("became shorter while it was read");
    filled += static_cast<size_t>(count);
  }
  return bytes;
}

template <class Make>
DecodedImage image_or_failure(Make make) {
  try {
    return {make(), ""};
  } catch (const DecodeError& e) {
    return {{}, e.what()};
  } catch (const std::bad_alloc&) {
    return {{}, "not enough memory to decode it"};
  }
}

}  // namespace

ImageFormat image_format(ByteView bytes) {
  if (bytes.starts_with("\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (bytes.starts_with("RIFF") && bytes.starts_with("WEBP", 8)) return ImageFormat::kWebp;
  if (bytes.starts_with("BM")) return ImageFormat::kBmp;
  if (bytes.starts_with({"II*\0", 4}) || bytes.starts_with({"MM\0*", 4})) return ImageFormat::kTiff;
  return ImageFormat::kNone;
}

void check(const DecodeOptions& options) {
  require_option(options.max_pixels > 0, "max-pixels", options.max_pixels, "positive");
  require_option(options.scaled_side >= 0, "scaled-side", options.scaled_side, "0 (exact) or more");
}

DecodedImage decode_image(const uint8_t* bytes, size_t size, const DecodeOptions& options) {
  return image_or_failure([&] { return decode({bytes, size}, options); });
}

DecodedImage decode_image_file(const std::string& path, const DecodeOptions& options) {
  return image_or_failure([&] {
    const std::vector<uint8_t> bytes = read_file(path);
    return decode({bytes.data(), bytes.size()}, options);
  });
}

std::string decoder_description(const DecodeOptions& options) {
  const nlohmann::ordered_json description = {
      {"jpeg",
       options.scaled_side == 0 ? "exact" : "scaled, shorter side at least " + std::to_string(options.scaled_side)},
      {"orientation", "EXIF applied"},
      {"alpha", "dropped"},
      {"16-bit", "round(v/257)"},
      {"max-pixels", options.max_pixels},
      {"opencv", CV_VERSION}};
  return description.dump();
}

const std::vector<std::string_view>& image_extensions() {
  static const std::vector<std::string_view> extensions = {"jpg",  "jpeg", "jpe", "jfif", "png",
                                                           "webp", "bmp",  "tif", "tiff", "gif"};
  return extensions;
}

bool has_image_extension(const std::string& path) {
  const size_t dot = path.find_last_of("./");
  if (dot == std::string::npos || path[dot] == '/') return false;
  std::string extension = path.substr(dot + 1);
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto& known = image_extensions();
  return std::find(known.begin(), known.end(), extension) != known.end();
}

}  // namespace dcgan::data
