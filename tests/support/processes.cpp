#include "tests/support/processes.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#ifdef DCGAN_COVERAGE
extern "C" {  // which it leaves to its users
#include <gcov.h>
}
#endif

namespace dcgan::test {
namespace {

constexpr std::array kFileCalls = {SYS_openat, SYS_write,  SYS_pwrite64, SYS_ftruncate, SYS_fsync,    SYS_fdatasync,
                                   SYS_rename, SYS_unlink, SYS_flock,    SYS_close,     SYS_renameat2};

[[noreturn]] void end_child(int status) {
#ifdef DCGAN_COVERAGE
  __gcov_dump();  // _exit() does not
#endif
  ::_exit(status);
}

[[noreturn]] void run_and_exit(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "in the child: %s\n", error.what());
    end_child(1);
  }
  end_child(0);
}

}  // namespace

std::string in_child(const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string text;
    try {
      text = work();
    } catch (const std::exception& error) {
      text = std::string("threw: ") + error.what();
    }
    const ssize_t written = ::write(ends[1], text.data(), text.size());
    end_child(written < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string text;
  char block[4096];
  for (ssize_t count = 0; (count = ::read(ends[0], block, sizeof block)) > 0;)
    text.append(block, static_cast<size_t>(count));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "killed by signal " + std::to_string(WTERMSIG(status)) : text;
}

bool in_child_killed_after(int64_t microseconds, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) run_and_exit(work);
  ::usleep(static_cast<useconds_t>(microseconds));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

Stopped in_child_killed_at_call(int64_t call, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
    ::raise(SIGSTOP);
    run_and_exit(work);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return Stopped::kUnsupported;
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
  while (true) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) return WEXITSTATUS(status) == 0 ? Stopped::kFinished : Stopped::kUnsupported;
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
    __ptrace_syscall_info info = {};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return Stopped::kUnsupported;
    }
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
    if (std::count(kFileCalls.begin(), kFileCalls.end(), static_cast<long>(info.entry.nr)) == 0) continue;
    if (call-- > 0) continue;
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return Stopped::kKilled;
  }
}

bool mount_small_disk(const std::string& folder, int64_t bytes) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("none", folder.c_str(), "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) == 0;
}

bool resize_small_disk(const std::string& folder, int64_t bytes) {
  return ::mount("none", folder.c_str(), "tmpfs", MS_REMOUNT, ("size=" + std::to_string(bytes)).c_str()) == 0;
}

int run_python(const std::string& script, const std::string& arguments, std::string& output) {
  const std::string command = "PYTHONPATH='" DCGAN_PYTHON_PATH "' PYTHONDONTWRITEBYTECODE=1 '" DCGAN_PYTHON
                              "' '" DCGAN_SOURCE_DIR "/" +
                              script + "' " + arguments + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return 1;
  char block[4096];
  output.clear();
  for (size_t count = 0; (count = std::fread(block, 1, sizeof block, pipe)) > 0;) output.append(block, count);
  const int status = ::pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace dcgan::test
