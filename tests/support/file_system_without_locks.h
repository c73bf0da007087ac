#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

/// A stand-in for flock(), in one file of a test program: libraries that the program links call it, too.
namespace dcgan::test {

/// errno that every flock() of this process gives; 0: the system's.
inline int lock_error = 0;

}  // namespace dcgan::test

extern "C" __attribute__((visibility("default"))) int flock(int descriptor, int operation) noexcept {
  if (dcgan::test::lock_error == 0) return static_cast<int>(::syscall(SYS_flock, descriptor, operation));
  errno = dcgan::test::lock_error;
  return -1;
}
