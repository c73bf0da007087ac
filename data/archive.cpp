#include "data/archive.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "base/foreign_file.h"
#include "data/image_formats.h"
#include "data/image_library.h"
#include "data/tar_archive.h"
#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

bool ends_in(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() &&
         std::equal(ending.begin(), ending.end(), text.end() - static_cast<std::ptrdiff_t>(ending.size()),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b); });
}

std::string quoted(const std::string& word) {
  constexpr const char* kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./=:,@%+-";
  return word.find_first_not_of(kPlain) == std::string::npos ? word : "'" + word + "'";
}

// For a shell; empty where no common program unpacks it.
std::string unpacking_command(const std::string& path, const std::string& format) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const std::string folder = quoted(name.substr(0, name.find('.', 1)));
  if (format == "Parquet") return "";
  if (format == "7-Zip") return "7z x " + quoted(path) + " -o" + folder;
  if (format == "RAR") return "mkdir " + folder + " && unrar x " + quoted(path) + " " + folder + "/";
  return "mkdir " + folder + " && tar -xf " + quoted(path) + " -C " + folder;
}

// "PK" and what a zip begins with: a file, or its end where it is empty.
bool is_zip(const std::vector<uint8_t>& first) {
  const ByteView bytes{first.data(), first.size()};
  return bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06");
}

}  // namespace

const ArchiveMember* Archive::find(const std::string& path) const {
  const auto found =
      std::lower_bound(members_.begin(), members_.end(), path,
                       [](const ArchiveMember& member, const std::string& p) { return member.path < p; });
  return found != members_.end() && found->path == path ? &*found : nullptr;
}

std::vector<uint8_t> first_bytes_of(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};  // opening a pipe would wait for ever
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes(kFirstBytes);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(file.gcount());
  return bytes;
}

bool has_archive_extension(const std::string& path) {
  for (const char* ending :
       {".tar", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst"}) {
    if (ends_in(path, ending)) return true;
  }
  return false;
}

bool is_archive(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return false;
  if (has_archive_extension(path)) return true;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  return is_zip(first_bytes_of(path)) || has_tar_header(path);
}

void refuse_container(const std::string& path) {
  const std::vector<uint8_t> bytes = first_bytes_of(path);
  const std::string format = container_format_name({bytes.data(), bytes.size()});
  if (format.empty()) return;
  const std::string command = unpacking_command(path, format);
  throw FileError(path, "is compressed or packed (", format, "), and no image in it can be reached directly; ",
                  command.empty() ? "write its images as files first." : "unpack it: " + command);
}

std::unique_ptr<Archive> open_archive(const std::string& path) {
  if (is_zip(first_bytes_of(path))) return image_library().open_zip(path);
  refuse_container(path);
  refuse_foreign(path);
  // Behind a program that unpacks it, or the mark of several segments, a zip has other first bytes.
  if (ends_in(path, ".zip") && !has_tar_header(path)) return image_library().open_zip(path);
  return std::make_unique<TarArchive>(path);
}

}  // namespace dcgan::data
