#include "tests/support/lock_errors.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

int dcgan::test::lock_error = 0;

extern "C" __attribute__((visibility("default"))) int flock(int descriptor, int operation) noexcept {
  if (dcgan::test::lock_error == 0) return static_cast<int>(::syscall(SYS_flock, descriptor, operation));
  errno = dcgan::test::lock_error;
  return -1;
}
