#include "data/images/zip_archive.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

// Text of an error code of zip_open().
std::string reason(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

// Why an entry cannot be read; empty where it can.
std::string failure_of(const zip_stat_t& entry, bool is_link) {
  constexpr zip_uint64_t kMostDeflated = 1100;  // deflate makes at most 1,032 bytes of one (RFC 1951)
  if (is_link) return "is a symbolic link; unpack the archive";
  if (entry.encryption_method != ZIP_EM_NONE) return "is encrypted; unpack the archive with its password";
  if (zip_compression_method_supported(entry.comp_method, 0) == 0) {
    return "is compressed by a method that is not read (method " + std::to_string(entry.comp_method) +
           "); unpack the archive";
  }
  if (entry.size > static_cast<zip_uint64_t>(kMaximumMember)) return "has more than 1 GiB";
  const bool deflated = entry.comp_method == ZIP_CM_DEFLATE;
  if ((deflated || entry.comp_method == ZIP_CM_STORE) && entry.size / kMostDeflated > entry.comp_size) {
    return "claims more bytes than its compressed ones can hold; the archive is damaged";
  }
  return "";
}

class ZipArchive : public Archive {
 public:
  explicit ZipArchive(const std::string& path) : path_(path) {
    int code = 0;
    zip_ = zip_open(path.c_str(), ZIP_RDONLY, &code);
    if (zip_ == nullptr) {
      throw FileError(path, "cannot be read as a zip: ", reason(code), "; if it was cut short, fetch it again.");
    }
    std::map<std::string, ArchiveMember> members;
    const zip_int64_t count = zip_get_num_entries(zip_, 0);
    const bool windows = back_slashes_separate();
    int64_t replaced = 0;
    std::string first_replaced;
    for (zip_int64_t i = 0; i < count; ++i) {
      zip_stat_t entry;
      constexpr zip_uint64_t kNeeded =
          ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
      const auto index = static_cast<zip_uint64_t>(i);
      if (zip_stat_index(zip_, index, 0, &entry) != 0 || (entry.valid & kNeeded) != kNeeded) {
        zip_discard(zip_);
        throw FileError(path, "entry ", i, " of the zip cannot be read; it is damaged.");
      }
      std::string name = entry.name;
      if (windows) std::replace(name.begin(), name.end(), '\\', '/');
      name = without_root(name);
      if (name.empty() || name.back() == '/') continue;
      const ArchiveMember member{name, i, static_cast<int64_t>(entry.size), failure_of(entry, is_link(index))};
      if (!members.insert_or_assign(name, member).second && replaced++ == 0) first_replaced = name;
    }
    if (replaced > 0) {
      notes_.push_back(text_of(path, ": of members of one name, such as ", first_replaced,
                               ", only the last is taken; that leaves ", replaced, " out."));
    }
    for (auto& [name, member] : members) members_.push_back(std::move(member));
  }
  ~ZipArchive() override { zip_discard(zip_); }
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  std::string kind() const override { return "zip"; }

  std::vector<uint8_t> read(const ArchiveMember& member, int64_t most) const override {
    const std::lock_guard<std::mutex> lock(mutex_);  // one file, one position
    struct Entry {
      zip_file_t* file;
      ~Entry() {
        if (file != nullptr) zip_fclose(file);
      }
    };
    const Entry entry{zip_fopen_index(zip_, static_cast<zip_uint64_t>(member.place), 0)};
    if (entry.file == nullptr) throw FileError(path_, "cannot be read: ", zip_strerror(zip_), ".");
    const size_t wanted = std::min(member.size, most);
    constexpr size_t kPiece = size_t{1} << 20;  // what an entry claims is not believed before it is there
    std::vector<uint8_t> bytes;
    while (bytes.size() < wanted) {
      const size_t filled = bytes.size();
      bytes.resize(std::min(wanted, filled + std::max(filled, kPiece)));
      const zip_int64_t now = zip_fread(entry.file, bytes.data() + filled, bytes.size() - filled);
      if (now <= 0) fail(now < 0 ? zip_error_strerror(zip_file_get_error(entry.file)) : "it ends too early");
      bytes.resize(filled + now);
    }
    // The checksum is looked at where the data end.
    uint8_t beyond = 0;
    const zip_int64_t rest = static_cast<int64_t>(bytes.size()) < member.size ? 0 : zip_fread(entry.file, &beyond, 1);
    if (rest != 0) fail(rest < 0 ? zip_error_strerror(zip_file_get_error(entry.file)) : "it is longer than it claims");
    return bytes;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw FileError(path_, "is damaged at this member: ", why, ".");
  }

  // As some programs of Windows write them, against the format.
  bool back_slashes_separate() const {
    const zip_int64_t count = zip_get_num_entries(zip_, 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* name = zip_get_name(zip_, static_cast<zip_uint64_t>(i), 0);
      if (name != nullptr && std::strchr(name, '/') != nullptr) return false;
    }
    return true;
  }

  bool is_link(zip_uint64_t index) const {
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    zip_file_get_external_attributes(zip_, index, 0, &system, &attributes);
    return system == ZIP_OPSYS_UNIX && S_ISLNK(attributes >> 16U);
  }

  std::string path_;
  zip_t* zip_ = nullptr;
  mutable std::mutex mutex_;
};

}  // namespace

std::unique_ptr<Archive> open_zip_archive(const std::string& path) { return std::make_unique<ZipArchive>(path); }

}  // namespace dcgan::data
