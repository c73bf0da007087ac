#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "dcgan/export.h"

namespace dcgan::base {

/// Owner of a POSIX file descriptor. Every failure is a FileError with the system's reason.
class DCGAN_EXPORT File {
 public:
  File() = default;
  /// @param flags  of open(2); O_CLOEXEC is added
  File(const std::string& path, int flags);
  File(File&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept;
  ~File();

  const std::string& path() const { return path_; }
  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  int64_t size() const;
  void read_at(int64_t offset, void* bytes, size_t count) const;  ///< all of them, or FileError
  void write_at(int64_t offset, const void* bytes, size_t count) const;
  void resize(int64_t size) const;
  void sync() const;  ///< content to the disk
  void close();       ///< unlike the destructor, throws

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// What can be done about a failed system call, "; do this", or nothing where that is not known.
std::string remedy(int error);
/// Locks a file until it is closed. Does nothing where the caller of the library wants no locks (dcgan/file_locks.h).
/// @throws FileError "`path`: `in_use`" if another process has locked it, another one if its file system has no locks
DCGAN_EXPORT void lock(const File& file, const std::string& path, const std::string& in_use);
[[noreturn]] void fail_without_locks(const std::string& path, const std::string& reason);

/// That `count` more files can be open at a time, for as long as it lives: raises the soft limit of the process where
/// that is needed.
class RoomForFiles {
 public:
  RoomForFiles() = default;
  /// @param problem  begins the message: "takes rows from 5000 files"
  /// @throws FileError if the hard limit is in the way
  RoomForFiles(int64_t count, const std::string& path, const std::string& problem);
  RoomForFiles(RoomForFiles&& other) noexcept : count_(std::exchange(other.count_, 0)) {}
  RoomForFiles& operator=(RoomForFiles&& other) noexcept;
  ~RoomForFiles();

 private:
  int64_t count_ = 0;
};

bool exists(const std::string& path);
/// Name under which an output grows until it is whole, beside output_target(path).
std::string partial_path(const std::string& path);
/// Name of what is beside a partial file that can be gone on with.
std::string journal_path(const std::string& path);
/// Whether `partial` is such a partial file.
bool is_partial(const std::string& partial);
/// @throws FileError if `path` exists and `overwrite` is false.
void refuse_existing(const std::string& path, bool overwrite);
/// Makes `partial` durable and gives it its name: a reader meets the old file or the whole new one.
void publish(const std::string& partial, const std::string& path);
/// Makes a new or renamed entry of the folder that holds `path` durable.
void sync_folder_of(const std::string& path);
/// Makes `path` of what `write` puts into its partial file, which is removed if that fails.
DCGAN_EXPORT void write_whole_file(const std::string& path, const std::function<void(const File&)>& write);

/// Now, as ISO 8601 in UTC: "2026-01-31T12:00:00Z".
std::string utc_now();

}  // namespace dcgan::base
