#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/file_locks.h"
#include "dcgan/output_files.h"

namespace dcgan::base {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
  const int error = errno;
  throw FileError(path, problem, ": ", std::strerror(error), remedy(error), ".");
}

std::atomic<bool> locks_wanted{true};
std::atomic<int64_t> files_reserved{0};

}  // namespace

std::string remedy(int error) {
  switch (error) {
    case EACCES:
      return "; whoever runs this program needs the right to it (chmod, chown), or run it as its owner";
    case EMFILE:
    case ENFILE:
      return "; raise the limit with ulimit -n, and run again";
    default:
      return "";
  }
}

void fail_without_locks(const std::string& path, const std::string& reason) {
  throw FileError(path, "cannot be locked: ", reason,
                  "; its file system may have no locks. Where no other program writes to it, run with "
                  "HDF5_USE_FILE_LOCKING=FALSE in the environment.");
}

void lock(const File& file, const std::string& path, const std::string& in_use) {
  if (!uses_file_locks() || ::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK) throw FileError(path, in_use);
  fail_without_locks(path, std::strerror(errno));
}

File::File(const std::string& path, int flags)
    : path_(path), descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
  if (descriptor_ >= 0) return;
  const bool creates = (flags & O_CREAT) != 0;
  if (errno != ENOENT) fail(path, creates ? "cannot be created" : "cannot be opened");
  if (!creates) throw FileError(path, "does not exist; check the name.");
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  throw FileError(path, exists(folder) ? "cannot be created: its folder takes no files; name another folder."
                                       : "cannot be created: its folder does not exist; make it first.");
}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int64_t File::size() const {
  struct stat status = {};
  if (::fstat(descriptor_, &status) != 0) fail(path_, "cannot be examined");
  if (!S_ISREG(status.st_mode)) throw FileError(path_, "is no regular file.");
  return status.st_size;
}

void File::read_at(int64_t offset, void* bytes, size_t count) const {
  auto* to = static_cast<char*>(bytes);
  while (count > 0) {
    const ssize_t done = ::pread(descriptor_, to, count, offset);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(path_, "cannot be read");
    if (done == 0) throw FileError(path_, "ends at byte ", offset, "; more was expected.");
    to += done;
    offset += done;
    count -= done;
  }
}

void File::write_at(int64_t offset, const void* bytes, size_t count) const {
  const auto* from = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t done = ::pwrite(descriptor_, from, count, offset);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(path_, "cannot be written");
    from += done;
    offset += done;
    count -= done;
  }
}

void File::resize(int64_t size) const {
  if (::ftruncate(descriptor_, size) != 0) fail(path_, "cannot be resized");
}

void File::sync() const {
  if (::fdatasync(descriptor_) != 0) fail(path_, "cannot be written to disk");
}

void File::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor >= 0 && ::close(descriptor) != 0) fail(path_, "cannot be written to disk");
}

RoomForFiles::RoomForFiles(int64_t count, const std::string& path, const std::string& problem) : count_(count) {
  if (count == 0) return;
  constexpr int64_t kSpare = 32;  // what the rest of the process opens meanwhile
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  const int64_t open_now = std::distance(begin(open), end(open));
  const auto needed = static_cast<rlim_t>(open_now + (files_reserved += count) + kSpare);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (needed <= limit.rlim_cur) return;
  const rlim_t may_be_open = limit.rlim_max;
  limit.rlim_cur = std::min(needed, may_be_open);
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0 && needed <= may_be_open) return;
  files_reserved -= count_;
  throw FileError(path, problem, ", which must be open at a time; this process may have ", may_be_open,
                  " open, with what else it needs. Raise the hard limit (ulimit -Hn), or merge without --virtual.");
}

RoomForFiles& RoomForFiles::operator=(RoomForFiles&& other) noexcept {
  std::swap(count_, other.count_);
  return *this;
}

RoomForFiles::~RoomForFiles() { files_reserved -= count_; }

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string partial_path(const std::string& path) { return output_target(path) + ".partial"; }

std::string journal_path(const std::string& path) { return partial_path(path) + ".journal"; }

bool is_partial(const std::string& partial) {
  constexpr std::string_view kEnd = ".partial";
  return partial.size() > kEnd.size() && partial.compare(partial.size() - kEnd.size(), kEnd.size(), kEnd) == 0 &&
         exists(partial + ".journal");
}

void refuse_existing(const std::string& path, bool overwrite) {
  if (!overwrite && exists(path))
    throw FileError(path, "exists already; take another name, or --overwrite to replace it.");
}

void sync_folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  // Some file systems cannot sync a folder; the content itself is safe.
  if (const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); descriptor >= 0) {
    ::fsync(descriptor);
    ::close(descriptor);
  }
}

void publish(const std::string& partial, const std::string& path) {
  const std::string target = output_target(path);
  File(partial, O_RDONLY).sync();
  if (::rename(partial.c_str(), target.c_str()) != 0) fail(target, "cannot be made from " + partial);
  sync_folder_of(target);
}

void write_whole_file(const std::string& path, const std::function<void(const File&)>& write) {
  const std::string partial = partial_path(path);
  try {
    File file(partial, O_WRONLY | O_CREAT | O_TRUNC);
    write(file);
    file.close();
    publish(partial, path);
  } catch (...) {
    ::unlink(partial.c_str());
    throw;
  }
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

}  // namespace dcgan::base

namespace dcgan {

void use_file_locks(bool use) { base::locks_wanted = use; }
bool uses_file_locks() { return base::locks_wanted; }

std::string output_target(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw FileError(path, "is a ",
                    S_ISDIR(status.st_mode)    ? "folder"
                    : S_ISFIFO(status.st_mode) ? "pipe"
                                               : "device",
                    ", no regular file; name the file to make.");
  }
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path target = path;
  for (int links = 0; fs::is_symlink(target, error); ++links) {
    constexpr int kMostLinks = 40;  // as many as the kernel follows
    if (links == kMostLinks) throw FileError(path, "is a symbolic link that leads nowhere; name another file.");
    target = target.parent_path() / fs::read_symlink(target, error);
  }
  return target.string();
}

void refuse_own_input(const std::string& path, const std::function<std::vector<std::string>()>& inputs) {
  using Identity = std::pair<dev_t, ino_t>;
  const auto identity = [](const std::string& file) -> std::optional<Identity> {
    struct stat status = {};
    if (::stat(file.c_str(), &status) != 0) return std::nullopt;
    return Identity(status.st_dev, status.st_ino);
  };
  const std::string partial = base::partial_path(path);
  std::map<Identity, std::string> written;
  for (const std::string& file : {output_target(path), partial, partial + ".journal", partial + ".head"}) {
    if (const auto found = identity(file)) written.emplace(*found, file);
  }
  if (written.empty()) return;
  for (const std::string& input : inputs()) {
    const auto found = identity(input);
    if (!found || written.count(*found) == 0) continue;
    const std::string& file = written[*found];
    throw FileError(path, "would be written over ", input, ", which this command reads",
                    file == input ? "" : " (" + file + " is the same file)", "; name another output.");
  }
}

void write_text_file(const std::string& path, const std::string& text) {
  base::write_whole_file(path, [&](const base::File& file) { file.write_at(0, text.data(), text.size()); });
}

}  // namespace dcgan
