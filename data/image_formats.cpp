#include "data/image_formats.h"

#include <algorithm>
#include <array>
#include <set>

namespace dcgan::data {
namespace {

// Images that no decoder here reads: of phones, of design programs, of cameras.
const std::set<std::string_view>& unread_extensions() {
  static const std::set<std::string_view> extensions = {
      "heic", "heif", "hif", "avif", "avifs", "jxl", "jp2", "j2k", "j2c", "jpc", "jpf",  "jpx", "jpm",
      "jxr",  "wdp",  "hdp", "psd",  "psb",   "xcf", "tga", "ico", "cur", "svg", "svgz", "eps", "exr",
      "hdr",  "dds",  "pcx", "sgi",  "ras",   "pam", "pfm", "qoi", "dcm", "raw", "cr2",  "cr3", "crw",
      "nef",  "nrw",  "arw", "srf",  "sr2",   "dng", "orf", "rw2", "raf", "pef", "srw",  "x3f", "3fr",
      "iiq",  "kdc",  "dcr", "mrw",  "erf",   "mef", "mos", "rwl", "gpr"};
  return extensions;
}

// Files that stand beside images by the million; none of them is opened to see what it is.
const std::set<std::string_view>& other_extensions() {
  static const std::set<std::string_view> extensions = {
      "txt", "json",  "jsonl", "xml", "csv",    "tsv",  "yaml", "yml",      "md",          "html", "htm",    "cls",
      "ini", "log",   "pdf",   "npy", "npz",    "h5",   "hdf5", "mat",      "parquet",     "pkl",  "pt",     "pth",
      "py",  "ipynb", "sh",    "db",  "sqlite", "mdb",  "lmdb", "tfrecord", "safetensors", "tar",  "tgz",    "gz",
      "bz2", "xz",    "zst",   "zip", "7z",     "rar",  "mp4",  "mov",      "avi",         "mkv",  "webm",   "mp3",
      "wav", "xmp",   "aae",   "thm", "doc",    "docx", "xls",  "xlsx",     "ds_store",    "bib",  "sha256", "md5"};
  return extensions;
}

bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// "P5", white space, then a number or a comment: two letters alone would be those of many a text.
bool is_pnm(ByteView bytes) {
  return bytes.size >= 4 && bytes.data[0] == 'P' && bytes.data[1] >= '1' && bytes.data[1] <= '6' &&
         is_space(bytes.data[2]) && (is_digit(bytes.data[3]) || bytes.data[3] == '#' || is_space(bytes.data[3]));
}

// The brand of an ISO base media file (ISO/IEC 14496-12), of which HEIC and AVIF are kinds.
std::string media_format(ByteView bytes) {
  if (!bytes.starts_with("ftyp", 4)) return "";
  for (const char* brand : {"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"}) {
    if (bytes.starts_with(brand, 8)) return bytes.starts_with("avif", 16) ? "AVIF" : "HEIC";
  }
  if (bytes.starts_with("avif", 8) || bytes.starts_with("avis", 8)) return "AVIF";
  if (bytes.starts_with("crx ", 8)) return "camera raw";
  return "";
}

}  // namespace

ImageFormat image_format(ByteView bytes) {
  if (bytes.starts_with("\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (bytes.starts_with("RIFF") && bytes.starts_with("WEBP", 8)) return ImageFormat::kWebp;
  if (bytes.starts_with("BM")) return ImageFormat::kBmp;
  for (const char* tiff : {"II*\0", "MM\0*", "II+\0", "MM\0+"}) {  // the last two are BigTIFF
    if (bytes.starts_with({tiff, 4})) return ImageFormat::kTiff;
  }
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return ImageFormat::kGif;
  if (is_pnm(bytes)) return ImageFormat::kPnm;
  return ImageFormat::kNone;
}

const std::vector<std::string_view>& image_extensions() {
  static const std::vector<std::string_view> extensions = {"jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "bmp",
                                                           "tif", "tiff", "gif", "pbm",  "pgm", "ppm",  "pnm"};
  return extensions;
}

std::string extension_of(const std::string& path) {
  const size_t dot = path.find_last_of("./");
  if (dot == std::string::npos || path[dot] == '/') return "";
  std::string extension = path.substr(dot + 1);
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

bool has_image_extension(const std::string& path) { return name_says(path) == NameSays::kRead; }

NameSays name_says(const std::string& path) {
  const std::string extension = extension_of(path);
  const auto& read = image_extensions();
  if (std::find(read.begin(), read.end(), extension) != read.end()) return NameSays::kRead;
  if (unread_extensions().count(extension) != 0) return NameSays::kUnreadImage;
  return other_extensions().count(extension) != 0 ? NameSays::kNoImage : NameSays::kNothing;
}

std::string image_format_name(ByteView bytes) {
  switch (image_format(bytes)) {
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kWebp:
      return "WebP";
    case ImageFormat::kTiff:
      return "TIFF";
    case ImageFormat::kGif:
      return "GIF";
    case ImageFormat::kPnm:
      return "PNM";
    case ImageFormat::kBmp: {
      // Two letters are few: the size of the header that follows is one of the known ones, too.
      const uint8_t header = bytes.size > 14 ? bytes.data[14] : 0;
      const bool known = header == 12 || header == 40 || header == 52 || header == 56 || header == 108 || header == 124;
      return known && bytes.starts_with({"\0\0\0", 3}, 15) ? "BMP" : "";
    }
    case ImageFormat::kNone:
      break;
  }
  if (bytes.starts_with({"\0\0\0\x0CJXL \r\n", 10}) || bytes.starts_with("\xFF\x0A")) return "JPEG XL";
  if (bytes.starts_with({"\0\0\0\x0CjP  \r\n", 10}) || bytes.starts_with("\xFF\x4F\xFF\x51")) return "JPEG 2000";
  if (bytes.starts_with("8BPS")) return "PSD";
  if (bytes.starts_with("IIRO") || bytes.starts_with("IIRS") || bytes.starts_with({"IIU\0", 4}) ||
      bytes.starts_with("FUJIFILMCCD-RAW")) {
    return "camera raw";
  }
  if (bytes.starts_with("v/1\x01")) return "OpenEXR";
  if (bytes.starts_with("II\xBC\x01")) return "JPEG XR";
  if (bytes.starts_with("qoif")) return "QOI";
  return media_format(bytes);
}

std::string container_format_name(ByteView bytes) {
  struct Magic {
    std::string_view bytes;
    const char* name;
  };
  static const std::array<Magic, 9> known = {{{"7z\xBC\xAF\x27\x1C", "7-Zip"},
                                              {"Rar!\x1A\x07", "RAR"},
                                              {"PAR1", "Parquet"},
                                              {"\x1F\x8B", "gzip"},
                                              {"BZh", "bzip2"},
                                              {{"\xFD\x37zXZ\0", 6}, "xz"},
                                              {"\x28\xB5\x2F\xFD", "zstd"},
                                              {"\x04\x22\x4D\x18", "lz4"},
                                              {"\x1F\x9D", "compress"}}};
  for (const Magic& magic : known) {
    if (bytes.starts_with(magic.bytes)) return magic.name;
  }
  return "";
}

}  // namespace dcgan::data
