#include "base/foreign_file.h"

#include <algorithm>
#include <cctype>
#include <fstream>

#include "dcgan/errors.h"

namespace dcgan {
namespace {

bool begins(const std::string& bytes, const std::string& with) { return bytes.compare(0, with.size(), with) == 0; }

// The number behind "size " in a pointer of Git LFS; empty where there is none.
std::string size_in(const std::string& pointer) {
  const size_t at = pointer.find("\nsize ");
  if (at == std::string::npos) return "";
  const size_t begin = at + 6;
  return pointer.substr(begin, pointer.find_first_not_of("0123456789", begin) - begin);
}

}  // namespace

std::string foreign_content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "";
  std::string start(512, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  if (file.bad()) return "";
  start.resize(static_cast<size_t>(file.gcount()));
  return foreign_start(start);
}

std::string foreign_start(std::string start) {
  constexpr size_t kEnough = 512;
  start.resize(std::min(start.size(), kEnough));
  if (start.empty()) return "is empty; fetch it again";
  if (begins(start, "version https://git-lfs.github.com/spec/")) {
    const std::string size = size_in(start);
    return "is a pointer of Git LFS, not the file itself" + (size.empty() ? "" : " of " + size + " bytes") +
           "; run git lfs pull in its folder, or fetch the file by itself";
  }
  std::string text;  // in lower case, from its first letter on, behind a byte-order mark too
  for (const char c : start) {
    if (text.empty() && (std::isspace(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0)) continue;
    text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const char* page : {"<!doctype html", "<html", "<head", "<?xml version"}) {
    if (!begins(text, page) || (begins(page, "<?xml") && text.find("html") == std::string::npos)) continue;
    return "is a web page (HTML), such as one that asks to sign in or says what went wrong; fetch the file again";
  }
  if (begins(start, "\x1f\x8b")) return "is compressed with gzip; gunzip it first (a .tar.gz: tar -xzf)";
  return "";
}

void refuse_foreign(const std::string& path) {
  const std::string content = foreign_content(path);
  if (!content.empty()) throw FileError(path, content, ".");
}

}  // namespace dcgan
