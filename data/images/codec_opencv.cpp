#include <algorithm>
#include <cctype>
#include <climits>
#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <streambuf>
#include <string>

#include "data/images/codecs.h"
#include "data/images/tiff_directory.h"
#include "dcgan/errors.h"

// WebP, BMP and TIFF through OpenCV. Size and completeness are read from the headers first, because OpenCV says neither
// what is wrong with a file nor that its end is missing.
namespace dcgan::data {
namespace {

// OpenCV writes the exceptions of its codecs to std::cerr and has no switch for it. This buffer stands before that of
// std::cerr and drops what a decoding thread writes; all other threads write as before. It is there from when this
// library is loaded until it is unloaded: while threads write, std::cerr's buffer must not change.
class QuietBuffer : public std::streambuf {
 public:
  static thread_local bool quiet;

  QuietBuffer() { stream_.rdbuf(this); }
  ~QuietBuffer() override {
    if (stream_.rdbuf() == this) stream_.rdbuf(target_);
  }
  QuietBuffer(const QuietBuffer&) = delete;
  QuietBuffer& operator=(const QuietBuffer&) = delete;

 protected:
  int_type overflow(int_type c) override {
    return quiet || c == traits_type::eof() ? traits_type::not_eof(c) : target_->sputc(traits_type::to_char_type(c));
  }
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    return quiet ? count : target_->sputn(text, count);
  }
  int sync() override { return quiet ? 0 : target_->pubsync(); }

 private:
  std::ostream& stream_ = std::cerr;  // loud: not printed to; a filter keeps OpenCV's own messages out of it
  std::streambuf* target_ = stream_.rdbuf();
};

thread_local bool QuietBuffer::quiet = false;
QuietBuffer quiet_buffer;

class QuietScope {
 public:
  QuietScope() { QuietBuffer::quiet = true; }
  ~QuietScope() { QuietBuffer::quiet = false; }
  QuietScope(const QuietScope&) = delete;
  QuietScope& operator=(const QuietScope&) = delete;
};

// BGR samples, uint8 or uint16, whatever the file has.
cv::Mat samples_with_opencv(ByteView bytes, const char* format) {
  // OpenCV asks each of its decoders for its signature; GDCM's, at byte 128, would win over the one meant, and takes
  // memory by what the file claims.
  constexpr size_t kDicomAt = 128;
  if (bytes.starts_with("DICM", kDicomAt)) {
    throw DecodeError(std::string(format) + " that claims to be DICOM, too, is not supported");
  }
  if (bytes.size > INT_MAX) throw DecodeError(std::string(format) + " of more than 2 GiB is not supported");
  const QuietScope quiet;
  const cv::Mat coded(1, static_cast<int>(bytes.size), CV_8UC1, const_cast<uint8_t*>(bytes.data));
  cv::Mat pixels;
  try {
    pixels = cv::imdecode(coded, cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH | cv::IMREAD_IGNORE_ORIENTATION);
  } catch (const cv::Exception&) {
    pixels.release();
  }
  if (pixels.empty()) throw DecodeError(std::string("damaged ") + format + ", or of an unusual kind");
  if (pixels.type() != CV_8UC3 && pixels.type() != CV_16UC3)
    throw DecodeError(std::string(format) + " with samples that are no 8- or 16-bit integers");
  return pixels;
}

// @param white  the sample that is white
RgbImage rgb_of(cv::Mat samples, double white) {
  if (samples.depth() != CV_8U || white != 255) samples.convertTo(samples, CV_8U, 255 / white);
  cv::cvtColor(samples, samples, cv::COLOR_BGR2RGB);
  return {samples.rows, samples.cols, {samples.datastart, samples.dataend}};
}

int64_t largest_of(const cv::Mat& samples) {
  double largest = 0;
  cv::minMaxLoc(samples.reshape(1), nullptr, &largest);
  return static_cast<int64_t>(largest);
}

RgbImage decode_with_opencv(ByteView bytes, const char* format) {
  const cv::Mat samples = samples_with_opencv(bytes, format);
  return rgb_of(samples, samples.depth() == CV_16U ? 65535 : 255);
}

uint32_t little_endian(ByteView bytes, size_t at, size_t width) {
  uint32_t value = 0;
  for (size_t i = width; i-- > 0;) value = value << 8 | bytes.data[at + i];
  return value;
}

[[noreturn]] void truncated(const char* format) {
  throw DecodeError(std::string("truncated ") + format + ": the file ends too early");
}

void need(ByteView bytes, size_t size, const char* format) {
  if (bytes.size < size) truncated(format);
}

}  // namespace

namespace {

// Of an animation: the first frame, which may fill a part of the canvas; what is free is black.
RgbImage first_frame(ByteView frame, int64_t height, int64_t width) {
  constexpr size_t kFrameHeader = 16;
  constexpr size_t kChunkHeader = 8;
  if (frame.size < kFrameHeader) truncated("WebP");
  const int64_t left = 2 * int64_t{little_endian(frame, 0, 3)};
  const int64_t top = 2 * int64_t{little_endian(frame, 3, 3)};
  for (size_t at = kFrameHeader; at + kChunkHeader <= frame.size;) {
    const size_t length = little_endian(frame, at + 4, 4);
    if (length > frame.size - at - kChunkHeader) truncated("WebP");
    const ByteView chunk = frame.part(at, kChunkHeader + length);
    at += kChunkHeader + length + length % 2;
    if (!chunk.starts_with("VP8 ") && !chunk.starts_with("VP8L")) continue;
    // A file of its own. Its chunk of alpha is dropped in any case.
    std::vector<uint8_t> file = {'R', 'I', 'F', 'F', 0, 0, 0, 0, 'W', 'E', 'B', 'P'};
    file.insert(file.end(), chunk.data, chunk.data + chunk.size);
    if (length % 2 == 1) file.push_back(0);
    for (size_t i = 0; i < 4; ++i) file[4 + i] = static_cast<uint8_t>((file.size() - kChunkHeader) >> (8 * i));
    const RgbImage part = decode_with_opencv({file.data(), file.size()}, "WebP");
    if (top + part.height > height || left + part.width > width) {
      throw DecodeError("damaged WebP: its first frame lies outside of its canvas");
    }
    RgbImage image{height, width, std::vector<uint8_t>(static_cast<size_t>(height * width * 3))};
    for (int64_t y = 0; y < part.height; ++y) {
      std::copy_n(part.pixels.begin() + y * part.width * 3, part.width * 3,
                  image.pixels.begin() + ((top + y) * width + left) * 3);
    }
    return image;
  }
  throw DecodeError("damaged WebP: its first frame has no pixels");
}

}  // namespace

// Container: "WebP Container Specification", RFC 9649.
RgbImage decode_webp(ByteView bytes, const DecodeOptions& options, std::string& remark) {
  constexpr size_t kHeader = 12;
  constexpr size_t kChunkHeader = 8;
  need(bytes, kHeader + kChunkHeader, "WebP");
  const size_t end = kChunkHeader + little_endian(bytes, 4, 4);
  need(bytes, end, "WebP");
  bytes = bytes.part(0, end);
  int orientation = 1;
  int64_t height = 0, width = 0;
  ByteView frame{nullptr, 0};
  int64_t frames = 0;
  for (size_t at = kHeader; at + kChunkHeader <= end;) {
    const size_t length = little_endian(bytes, at + 4, 4);
    if (length > end - at - kChunkHeader) truncated("WebP");
    const ByteView chunk = bytes.part(at);
    const ByteView payload = bytes.part(at + kChunkHeader, length);
    if (chunk.starts_with("VP8X") && length >= 10) {
      width = little_endian(payload, 4, 3) + int64_t{1};
      height = little_endian(payload, 7, 3) + int64_t{1};
      check_size(width, height, options);
    } else if (chunk.starts_with("VP8 ") && length >= 10) {
      check_size(little_endian(payload, 6, 2) & 0x3FFF, little_endian(payload, 8, 2) & 0x3FFF, options);
    } else if (chunk.starts_with("VP8L") && length >= 5) {
      const uint32_t size = little_endian(payload, 1, 4);
      check_size((size & 0x3FFF) + int64_t{1}, (size >> 14 & 0x3FFF) + int64_t{1}, options);
    } else if (chunk.starts_with("ANMF")) {
      if (frames++ == 0) frame = payload;
    } else if (chunk.starts_with("EXIF")) {
      constexpr std::string_view kExifHeader{"Exif\0\0", 6};  // not in the specification, but written by some programs
      orientation = exif_orientation(payload.starts_with(kExifHeader) ? payload.part(kExifHeader.size()) : payload);
    }
    at += kChunkHeader + length + length % 2;
  }
  if (frames > 1) remark = kAnimated;
  RgbImage image = frames > 0 ? first_frame(frame, height, width) : decode_with_opencv(bytes, "WebP");
  apply_orientation(orientation, image);
  return image;
}

// BITMAPFILEHEADER and BITMAPINFOHEADER of the Windows API.
RgbImage decode_bmp(ByteView bytes, const DecodeOptions& options) {
  constexpr size_t kCoreHeader = 12;
  constexpr uint32_t kUncompressed = 0;
  constexpr uint32_t kBitFields = 3;
  need(bytes, 26, "BMP");
  const size_t pixels_at = little_endian(bytes, 10, 4);
  const bool core = little_endian(bytes, 14, 4) == kCoreHeader;
  if (!core) need(bytes, 34, "BMP");
  const int64_t width = core ? little_endian(bytes, 18, 2) : static_cast<int32_t>(little_endian(bytes, 18, 4));
  const int64_t stored_height = core ? little_endian(bytes, 20, 2) : static_cast<int32_t>(little_endian(bytes, 22, 4));
  const int64_t height = std::abs(stored_height);  // negative: rows from top to bottom
  check_size(width, height, options);
  const int64_t bits = little_endian(bytes, core ? 24 : 28, 2);
  const uint32_t compression = core ? kUncompressed : little_endian(bytes, 30, 4);
  if (compression == kUncompressed || compression == kBitFields) {
    need(bytes, pixels_at + static_cast<size_t>((width * bits + 31) / 32 * 4 * height), "BMP");
  }
  return decode_with_opencv(bytes, "BMP");
}

namespace {

// What a TIFF says of the white of its 16-bit samples, by their bits or by the largest of them; 0 where it says
// nothing.
int64_t white_by_tags(const TiffDirectory& directory, int64_t largest) {
  constexpr uint16_t kBitsPerSample = 258;
  constexpr uint16_t kMaxSampleValue = 281;
  constexpr int64_t kFull = 65535;
  const int64_t bits = directory.value(kBitsPerSample, 16);
  int64_t claimed = bits > 8 && bits < 16 ? (int64_t{1} << bits) - 1 : 0;
  for (const int64_t value : directory.values(kMaxSampleValue)) claimed = std::max(claimed, value);
  if (claimed == 0) return 0;
  int64_t white = 255;
  while (white < claimed && white < kFull) white = 2 * white + 1;
  return largest <= white ? white : kFull;
}

RgbImage decode_tiff_samples(ByteView bytes, const TiffDirectory& directory, const DecodeOptions& options,
                             std::string& remark) {
  const cv::Mat samples = samples_with_opencv(bytes, "TIFF");
  if (samples.depth() == CV_8U) return rgb_of(samples, 255);
  const int64_t largest = largest_of(samples);
  return rgb_of(samples, static_cast<double>(white_of(white_by_tags(directory, largest), largest, options, remark)));
}

}  // namespace

RgbImage decode_tiff(ByteView bytes, const DecodeOptions& options, std::string& remark) {
  constexpr uint16_t kWidth = 256;
  constexpr uint16_t kHeight = 257;
  constexpr uint16_t kStripOffsets = 273;
  constexpr uint16_t kStripByteCounts = 279;
  constexpr uint16_t kTileOffsets = 324;
  constexpr uint16_t kTileByteCounts = 325;
  const TiffDirectory directory(bytes);
  if (directory.values(kWidth).empty() || directory.values(kHeight).empty()) truncated("TIFF");
  check_size(directory.value(kWidth, 0), directory.value(kHeight, 0), options);
  const auto size = static_cast<int64_t>(bytes.size);
  for (const bool tiled : {false, true}) {
    const std::vector<int64_t> offsets = directory.values(tiled ? kTileOffsets : kStripOffsets);
    const std::vector<int64_t> counts = directory.values(tiled ? kTileByteCounts : kStripByteCounts);
    for (size_t i = 0; i < std::min(offsets.size(), counts.size()); ++i) {
      if (offsets[i] < 0 || counts[i] < 0 || counts[i] > size || offsets[i] > size - counts[i]) truncated("TIFF");
    }
  }
  // libtiff multiplies colours by an alpha of the kind "unassociated". Called "associated", they stay as they are
  // stored.
  constexpr uint16_t kExtraSamples = 338;
  constexpr int64_t kAssociated = 1;
  constexpr int64_t kUnassociated = 2;
  const size_t kind_at = directory.low_byte_of_short(kExtraSamples);
  if (kind_at == 0 || directory.value(kExtraSamples, 0) != kUnassociated) {
    return decode_tiff_samples(bytes, directory, options, remark);
  }
  std::vector<uint8_t> renamed(bytes.data, bytes.data + bytes.size);
  renamed[kind_at] = kAssociated;
  return decode_tiff_samples({renamed.data(), renamed.size()}, directory, options, remark);
}

namespace {

// The text of a PNM: numbers between white space, with comments.
class PnmText {
 public:
  explicit PnmText(ByteView bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }
  bool at_space() const { return at_ < bytes_.size && std::isspace(bytes_.data[at_]) != 0; }

  // A number that something follows: at the end of the file it may have been cut.
  int64_t number() {
    skip();
    constexpr int64_t kMost = 100'000'000;
    const size_t begin = at_;
    int64_t value = 0;
    for (; at_ < bytes_.size && std::isdigit(bytes_.data[at_]) != 0 && value < kMost; ++at_) {
      value = 10 * value + (bytes_.data[at_] - '0');
    }
    if (at_ == bytes_.size) truncated("PNM");
    if (at_ == begin) throw DecodeError("damaged PNM: a number is missing");
    return value;
  }

  // One digit, with or without white space before it.
  void bit() {
    skip();
    if (at_ == bytes_.size) truncated("PNM");
    const uint8_t digit = bytes_.data[at_++];
    if (digit != '0' && digit != '1') throw DecodeError("damaged PNM: a bit is neither 0 nor 1");
  }

 private:
  void skip() {
    bool comment = false;
    for (; at_ < bytes_.size; ++at_) {
      const uint8_t c = bytes_.data[at_];
      comment = comment ? c != '\n' : c == '#';
      if (!comment && std::isspace(c) == 0) return;
    }
  }

  ByteView bytes_;
  size_t at_ = 2;
};

}  // namespace

// Netpbm's manual pages pbm(5), pgm(5) and ppm(5).
RgbImage decode_pnm(ByteView bytes, const DecodeOptions& options, std::string& remark) {
  const int kind = bytes.data[1] - '0';
  const bool bits = kind == 1 || kind == 4;
  PnmText text(bytes);
  const int64_t width = text.number();
  const int64_t height = text.number();
  const int64_t white = bits ? 1 : text.number();
  check_size(width, height, options);
  if (white < 1 || white > 65535) throw DecodeError(text_of("damaged PNM: its largest sample is ", white));
  if (!text.at_space()) throw DecodeError("damaged PNM: no white space after its header");
  const size_t data = text.at() + 1;
  const int64_t samples = width * height * (kind == 3 || kind == 6 ? 3 : 1);
  if (kind >= 4) {
    const int64_t size = bits ? (width + 7) / 8 * height : samples * (white > 255 ? 2 : 1);
    need(bytes, data + static_cast<size_t>(size), "PNM");
  }
  for (int64_t i = 0; kind < 4 && i < samples; ++i) {
    if (bits) {
      text.bit();
    } else if (text.number() > white) {
      throw DecodeError(text_of("damaged PNM: a sample is above its largest, ", white));
    }
  }
  // OpenCV takes the largest sample for white in some kinds only: it gets a header whose largest is that of the
  // samples' type, and the scaling is done here.
  std::string file = {'P', static_cast<char>('0' + kind), '\n'};
  file += text_of(width, " ", height, "\n");
  if (!bits) file += white > 255 ? "65535\n" : "255\n";
  file.append(reinterpret_cast<const char*>(bytes.data) + data, bytes.size - data);
  const ByteView rewritten{reinterpret_cast<const uint8_t*>(file.data()), file.size()};
  const cv::Mat decoded = samples_with_opencv(rewritten, "PNM");
  if (bits || decoded.depth() == CV_8U) return rgb_of(decoded, bits ? 255 : static_cast<double>(white));
  // 65535 is what programs write that know the type of the samples only.
  const int64_t claimed = white == 65535 ? 0 : white;
  return rgb_of(decoded, static_cast<double>(white_of(claimed, largest_of(decoded), options, remark)));
}

}  // namespace dcgan::data
