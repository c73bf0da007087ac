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

#include "base/foreign_file.h"
#include "data/image_formats.h"
#include "data/image_library.h"
#include "dcgan/errors.h"
#include "dcgan/options.h"

namespace dcgan::data {
namespace {

DecodedImage decode(ByteView bytes, const DecodeOptions& options) {
  if (bytes.size == 0) throw DecodeError("the file is empty");
  const ImageFormat format = image_format(bytes);
  if (format != ImageFormat::kNone) return image_library().decode(format, bytes, options);
  const std::string name = image_format_name(bytes);
  const auto* start = reinterpret_cast<const char*>(bytes.data);
  const std::string foreign = foreign_start({start, std::min<size_t>(bytes.size, 512)});
  if (!foreign.empty()) throw DecodeError("not an image: " + foreign);
  if (!name.empty()) throw DecodeError(name + ", whatever its name says, is not read; convert it to JPEG or PNG");
  throw DecodeError("not an image: the first bytes are those of no JPEG, PNG, WebP, BMP, TIFF, GIF or PNM");
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
  std::vector<uint8_t> bytes(status.st_size);
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
    return make();
  } catch (const DecodeError& e) {
    return {{}, e.what()};
  } catch (const std::bad_alloc&) {
    return {{}, "not enough memory to decode it"};
  }
}

}  // namespace

void check(const DecodeOptions& options) {
  require_option(options.max_pixels > 0, "max-pixels", options.max_pixels, "positive");
  require_option(options.sample_bits >= 8 && options.sample_bits <= 16, "sample-bits", options.sample_bits,
                 "from 8 to 16");
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
  nlohmann::ordered_json description = {
      {"jpeg", options.scaled_side == 0 ? "exact" : text_of("scaled, shorter side at least ", options.scaled_side)},
      {"orientation", "EXIF applied"},
      {"alpha", "dropped"},
      {"16-bit", "round(v/257)"},
      {"max-pixels", options.max_pixels},
      {"opencv", CV_VERSION}};
  if (options.sample_bits != 16) description["sample-bits"] = options.sample_bits;
  return description.dump();
}

}  // namespace dcgan::data
