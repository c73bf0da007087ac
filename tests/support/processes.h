#pragma once

#include <functional>
#include <string>

namespace dcgan::test {

/// Runs `work` in a child process. @return what it returned, or "killed by signal S".
std::string in_child(const std::function<std::string()>& work);

/// Runs `work` in a child process and kills it with SIGKILL after `microseconds`. @return whether it was still running.
bool in_child_killed_after(int64_t microseconds, const std::function<void()>& work);

enum class Stopped { kKilled, kFinished, kUnsupported };
/// Runs `work` in a child process and kills it with SIGKILL before its system call number `call` (from 0) of those that
/// change files or make them durable.
Stopped in_child_killed_at_call(int64_t call, const std::function<void()>& work);

/// In a child: a tmpfs of this many bytes on `folder`, visible to the child only. @return false if not permitted.
bool mount_small_disk(const std::string& folder, int64_t bytes);
bool resize_small_disk(const std::string& folder, int64_t bytes);

/// Runs a Python script with the packages that the checks may use. @return its exit status; 77: a package is missing.
int run_python(const std::string& script, const std::string& arguments, std::string& output);

}  // namespace dcgan::test
