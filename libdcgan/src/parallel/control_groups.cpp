#include "parallel/control_groups.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

namespace dcgan::parallel {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// Where the groups of a controller are seen, and which of them is at the top there: in a container rarely the
// outermost.
struct Mount {
  fs::path folder, top;
};

// By controller; that of version 2, which has all of them, by "". Format: proc(5), /proc/pid/mountinfo.
std::map<std::string, Mount> group_mounts(const std::string& root) {
  std::map<std::string, Mount> mounts;
  std::ifstream file(root + "/proc/self/mountinfo");
  if (!file) {  // where everybody mounts them
    const fs::path usual = root + "/sys/fs/cgroup";
    return {{"", {usual, "/"}}, {"cpu", {usual / "cpu", "/"}}, {"memory", {usual / "memory", "/"}}};
  }
  for (std::string line; std::getline(file, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> place = parts_of(line.substr(0, dash), ' ');
    const std::vector<std::string> system = parts_of(line.substr(dash + 3), ' ');
    if (place.size() < 5 || system.size() < 3) continue;
    const Mount mount = {root + place[4], place[3]};
    if (system[0] == "cgroup2") mounts.emplace("", mount);
    if (system[0] != "cgroup") continue;
    for (const std::string& controller : parts_of(system[2], ',')) mounts.emplace(controller, mount);
  }
  return mounts;
}

template <class T>
void take_smaller(T value, T& smallest) {
  if (value > 0) smallest = std::min(smallest, value);  // -1, and "max", which is no number: no limit
}

void take_limits(const fs::path& group, GroupLimits& limits) {
  const auto numbers = [&](const char* name) {
    std::ifstream file(group / name);
    double first = 0, second = 0;
    file >> first >> second;
    return std::pair(first, second);
  };
  for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
    int64_t bytes = 0;
    if (std::ifstream(group / name) >> bytes) take_smaller(bytes, limits.memory_bytes);
  }
  const auto [quota, period] = numbers("cpu.max");  // microseconds, in so many
  if (period > 0) take_smaller(quota / period, limits.cpus);
  const double old_period = numbers("cpu.cfs_period_us").first;
  if (old_period > 0) take_smaller(numbers("cpu.cfs_quota_us").first / old_period, limits.cpus);
}

}  // namespace

GroupLimits group_limits(const std::string& root) {
  const std::map<std::string, Mount> mounts = group_mounts(root);
  GroupLimits limits;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "0::/jobs/step", "4:cpu,cpuacct:/jobs/step"
    const size_t controllers = line.find(':') + 1;
    const size_t path = line.find(':', controllers) + 1;
    if (controllers == 0 || path == 0) continue;
    const std::string names = line.substr(controllers, path - 1 - controllers);
    for (const std::string& name : names.empty() ? std::vector<std::string>{""} : parts_of(names, ',')) {
      const auto mount = mounts.find(name);
      if (mount == mounts.end()) continue;
      const auto& [folder, top] = mount->second;
      fs::path below = fs::path(line.substr(path)).lexically_relative(top);
      if (below.empty() || *below.begin() == "..") below = ".";  // another name space's name: what is seen is ours
      for (fs::path group = (folder / below).lexically_normal();; group = group.parent_path()) {
        take_limits(group, limits);
        if (group == folder || !group.has_relative_path()) break;
      }
    }
  }
  return limits;
}

int64_t usable_cores(const std::string& root) {
  cpu_set_t bound;
  int64_t cores = std::max<int64_t>(1, std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof bound, &bound) == 0) cores = CPU_COUNT(&bound);
  const double allowed = std::ceil(group_limits(root).cpus);
  return allowed < static_cast<double>(cores) ? static_cast<int64_t>(allowed) : cores;
}

}  // namespace dcgan::parallel
