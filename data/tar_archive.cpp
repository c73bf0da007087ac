#include "data/tar_archive.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <string_view>

#include "data/image_formats.h"
#include "dcgan/errors.h"

namespace dcgan::data {

namespace {

constexpr int64_t kBlock = 512;
constexpr int64_t kMaximumText = int64_t{1} << 20;  // a long name or a pax header; PATH_MAX is 4,096
constexpr int kMaximumDepth = 4;                    // archives in archives

using Header = std::array<char, kBlock>;

std::string_view field(const Header& header, size_t at, size_t size) {
  const std::string_view bytes(header.data() + at, size);
  return bytes.substr(0, bytes.find('\0'));
}

// Octal digits, or big-endian binary where the first bit is set (GNU). -1 for anything else.
int64_t number(const Header& header, size_t at, size_t size) {
  if ((static_cast<unsigned char>(header[at]) & 0x80U) != 0) {
    uint64_t value = static_cast<unsigned char>(header[at]) & 0x7FU;
    for (size_t i = 1; i < size; ++i) {
      if (value >> 55U != 0) return -1;
      value = value << 8U | static_cast<unsigned char>(header[at + i]);
    }
    return static_cast<int64_t>(value);
  }
  std::string_view digits = field(header, at, size);
  while (!digits.empty() && digits.front() == ' ') digits.remove_prefix(1);
  while (!digits.empty() && digits.back() == ' ') digits.remove_suffix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  if (digits.empty()) return 0;
  return error == std::errc() && end == digits.data() + digits.size() && value >= 0 ? value : -1;
}

// The checksum counts its own eight bytes as spaces; some old programs added signed bytes.
bool checksum_holds(const Header& header) {
  constexpr size_t kAt = 148;
  constexpr size_t kSize = 8;
  int64_t as_unsigned = 0;
  int64_t as_signed = 0;
  for (size_t i = 0; i < header.size(); ++i) {
    const char c = i >= kAt && i < kAt + kSize ? ' ' : header[i];
    as_unsigned += static_cast<unsigned char>(c);
    as_signed += static_cast<signed char>(c);
  }
  const int64_t stored = number(header, kAt, kSize);
  return stored == as_unsigned || stored == as_signed;
}

bool is_zero(const Header& header) {
  return std::all_of(header.begin(), header.end(), [](char c) { return c == 0; });
}

// What stands before a member and speaks of it.
struct Extended {
  std::string path;
  std::string link;
  int64_t size = -1;
  bool sparse = false;
};

// The members between two places of the file.
class Walk {
 public:
  Walk(const base::File& file, std::map<std::string, ArchiveMember>& members) : file_(file), members_(members) {}

  void run(int64_t begin, int64_t end, const std::string& folder, int depth) {
    Extended extended;
    for (int64_t at = begin;;) {
      Header header;
      if (end - at < kBlock) {
        fail(at, "it ends without the two blocks of zeros that end an archive; it was cut short, fetch it again");
      }
      file_.read_at(at, header.data(), kBlock);
      if (is_zero(header)) return check_end(at + kBlock, end);
      if (!checksum_holds(header)) fail(at, "no header of a tar archive; it is damaged, fetch it again");
      const char type = header[156];
      const int64_t data = at + kBlock;
      const int64_t size =
          has_data(type) ? (extended.size >= 0 && !is_extension(type) ? extended.size : number(header, 124, 12)) : 0;
      const std::string path = extended.path.empty() ? name_of(header) : extended.path;
      if (size < 0) fail(at, "the size of " + path + " is no number; it is damaged, fetch it again");
      if (size > end - data || padded(size) > end - data) {
        fail(at, text_of(path, " has ", size, " bytes, ", end - data, " are left; it was cut short, fetch it again"));
      }
      at = data + padded(size);
      if (is_extension(type)) {
        extend(type, data, size, extended);
        continue;
      }
      add(folder, path, type, {data, size, header, extended}, depth);
      extended = {};
    }
  }

  /// Empty where every member has a name of its own.
  std::string note_of_replaced() const {
    if (replaced_ == 0) return "";
    return text_of(file_.path(), ": of members of one name, such as ", first_replaced_,
                   ", only the last is taken; that leaves ", replaced_, " out.");
  }

 private:
  struct Content {
    int64_t offset;
    int64_t size;
    const Header& header;
    const Extended& extended;
  };

  [[noreturn]] void fail(int64_t at, const std::string& what) const {
    throw FileError(file_.path(), "at byte ", at, ": ", what, ".");
  }

  static int64_t padded(int64_t size) { return (size + kBlock - 1) / kBlock * kBlock; }
  static bool is_extension(char type) { return type == 'L' || type == 'K' || type == 'x' || type == 'g'; }
  // Links, devices, folders and pipes have none, whatever their size says.
  static bool has_data(char type) { return type < '1' || type > '6'; }

  static std::string name_of(const Header& header) {
    const std::string name(field(header, 0, 100));
    const bool ustar = std::string_view(header.data() + 257, 6) == std::string_view("ustar\0", 6);
    const std::string prefix(ustar ? field(header, 345, 155) : "");
    return prefix.empty() ? name : prefix + "/" + name;
  }

  // After the end only padding may come: what `cat` appended would be passed over in silence.
  void check_end(int64_t at, int64_t end) const {
    std::vector<char> bytes;
    for (; at < end; at += static_cast<int64_t>(bytes.size())) {
      bytes.resize(std::min<int64_t>(end - at, 1 << 16));
      file_.read_at(at, bytes.data(), bytes.size());
      const auto other = std::find_if(bytes.begin(), bytes.end(), [](char c) { return c != 0; });
      if (other != bytes.end()) {
        fail(at + (other - bytes.begin()),
             "something follows the end of the archive; of archives put one behind the "
             "other only the first would be read, join them with tar --concatenate");
      }
    }
  }

  void extend(char type, int64_t offset, int64_t size, Extended& extended) const {
    if (type == 'g') return;  // speaks of all members: comments, times
    if (size > kMaximumText) {
      fail(offset,
           text_of("a name or header of ", size, " bytes, at most ", kMaximumText, " are expected; it is damaged"));
    }
    std::string text(size, '\0');
    file_.read_at(offset, text.data(), size);
    if (type == 'x') return read_pax(text, offset, extended);
    text.resize(std::strlen(text.c_str()));
    (type == 'L' ? extended.path : extended.link) = text;
  }

  // Records "LENGTH KEY=VALUE\n".
  void read_pax(std::string_view text, int64_t offset, Extended& extended) const {
    while (!text.empty()) {
      size_t length = 0;
      const auto [space, error] = std::from_chars(text.data(), text.data() + text.size(), length);
      const auto begin = static_cast<size_t>(space - text.data()) + 1;
      const size_t equals = text.find('=');
      if (error != std::errc() || length > text.size() || begin >= length || text[begin - 1] != ' ' ||
          text[length - 1] != '\n' || equals >= length) {
        fail(offset, "a pax header that does not keep to its format; it is damaged");
      }
      const std::string_view key = text.substr(begin, equals - begin);
      const std::string value(text.substr(equals + 1, length - equals - 2));
      if (key == "path" || key == "GNU.sparse.name") extended.path = value;
      if (key == "linkpath") extended.link = value;
      if (key.substr(0, 11) == "GNU.sparse.") extended.sparse = true;
      if (key == "size") {
        const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), extended.size);
        if (wrong != std::errc() || end != value.data() + value.size() || extended.size < 0) {
          fail(offset, "a pax header with the size \"" + value + "\"; it is damaged");
        }
      }
      text.remove_prefix(length);
    }
  }

  void add(const std::string& folder, const std::string& name, char type, const Content& content, int depth) {
    const std::string path = folder + without_root(name);
    const bool regular = type == '0' || type == '\0' || type == '7' || type == 'S';
    if (regular && extension_of(path) == "tar") {
      if (depth == kMaximumDepth) fail(content.offset, path + " lies too deep: archives in archives in archives");
      return run(content.offset, content.offset + content.size, path.substr(0, path.size() - 4) + "/", depth + 1);
    }
    if (path.empty() || path.back() == '/' || (!regular && type != '1' && type != '2')) return;
    ArchiveMember member{path, content.offset, content.size, ""};
    if (type == 'S' || content.extended.sparse) member.failure = "is stored with holes (sparse); unpack it";
    if (content.size > kMaximumMember) member.failure = "has more than 1 GiB";
    if (type == '1' || type == '2') {
      const std::string link =
          content.extended.link.empty() ? std::string(field(content.header, 157, 100)) : content.extended.link;
      const auto target = members_.find(folder + without_root(link));
      if (type == '2') {
        member.failure = "is a symbolic link to " + link + "; unpack the archive";
      } else if (target == members_.end()) {
        member.failure = "is a link to " + link + ", which does not stand before it in the archive";
      } else {
        member = target->second;
        member.path = path;
      }
    }
    const bool is_new = members_.insert_or_assign(path, member).second;
    if (!is_new && has_image_extension(path) && replaced_++ == 0) first_replaced_ = path;
  }

  const base::File& file_;
  std::map<std::string, ArchiveMember>& members_;
  int64_t replaced_ = 0;
  std::string first_replaced_;
};

}  // namespace

TarArchive::TarArchive(const std::string& path) : file_(path, O_RDONLY) {
  std::map<std::string, ArchiveMember> members;
  Walk walk(file_, members);
  walk.run(0, file_.size(), "", 0);
  if (const std::string note = walk.note_of_replaced(); !note.empty()) notes_.push_back(note);
  for (auto& [name, member] : members) members_.push_back(std::move(member));
}

std::vector<uint8_t> TarArchive::read(const ArchiveMember& member, int64_t most) const {
  std::vector<uint8_t> bytes(std::min(member.size, most));
  file_.read_at(member.place, bytes.data(), bytes.size());
  return bytes;
}

bool has_tar_header(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Header header{};
  return file.read(header.data(), kBlock) && std::string_view(header.data() + 257, 5) == "ustar" &&
         checksum_holds(header);
}

}  // namespace dcgan::data
