#include "tools/cli/memory.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "parallel/control_groups.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::cli {
namespace {

using parallel::group_limits;
using parallel::usable_cores;

constexpr const char* kVersion2 = "31 23 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kVersion1 =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw,relatime master:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n";

class AvailableMemory : public testing::Test {
 protected:
  AvailableMemory() {
    write("proc/meminfo", "MemTotal:  9000 kB\nMemFree:  1000 kB\nMemAvailable:    8000 kB\n");
    write("proc/self/mountinfo", kVersion2);
    write("proc/self/cgroup", "0::/jobs/step\n");
    write("sys/fs/cgroup/jobs/step/memory.max", "max\n");
  }
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  // As Docker shows them to what runs in a container, where the kernel has control groups of version 1.
  void be_in_a_container_of_version_1() const {
    write("proc/self/mountinfo", kVersion1);
    write("proc/self/cgroup", "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n");
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  }
  const test::TemporaryFolder root_;
};
using UsableCores = AvailableMemory;

TEST_F(AvailableMemory, IsWhatTheKernelSays) { EXPECT_EQ(available_memory(root_.path()), 8000 * 1024); }

TEST_F(AvailableMemory, IsTheLimitOfAnOuterControlGroupWhereThatIsLess) {
  write("sys/fs/cgroup/jobs/memory.max", "3000000\n");
  EXPECT_EQ(available_memory(root_.path()), 3000000);
  write("sys/fs/cgroup/jobs/memory.max", "9000000000\n");
  EXPECT_EQ(available_memory(root_.path()), 8000 * 1024);
}

TEST_F(AvailableMemory, IsTheLimitOfAContainerInVersion1) {
  be_in_a_container_of_version_1();
  EXPECT_EQ(available_memory(root_.path()), 8000 * 1024);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "4000000\n");
  EXPECT_EQ(available_memory(root_.path()), 4000000);
}

TEST_F(AvailableMemory, IsTheLimitOfAGroupOfVersion1ThatIsSeenFromOutside) {
  write("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  write("proc/self/cgroup", "9:memory:/slurm/job_7/step_0\n");
  write("sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes", "5000000\n");
  write("sys/fs/cgroup/memory/slurm/job_8/memory.limit_in_bytes", "1000000\n");
  EXPECT_EQ(available_memory(root_.path()), 5000000);
}

TEST_F(AvailableMemory, IsTheLimitOfAGroupWhereItIsUsuallyMountedIfNobodySaysWhere) {
  std::filesystem::remove(root_ / "proc/self/mountinfo");
  write("sys/fs/cgroup/jobs/memory.max", "3000000\n");
  EXPECT_EQ(available_memory(root_.path()), 3000000);
  write("proc/self/cgroup", "9:memory:/old\n");
  write("sys/fs/cgroup/memory/old/memory.limit_in_bytes", "2000000\n");
  EXPECT_EQ(available_memory(root_.path()), 2000000);
}

TEST_F(AvailableMemory, IsWhatTheKernelSaysWhereNoGroupsAreMounted) {
  write("proc/self/mountinfo", "21 1 0:20 / /proc rw - proc proc rw\n");
  write("sys/fs/cgroup/jobs/memory.max", "3000000\n");
  EXPECT_EQ(available_memory(root_.path()), 8000 * 1024);
}

TEST_F(UsableCores, AreThoseThatTheProcessMayRunOn) {
  const test::TemporaryFolder nothing;
  cpu_set_t bound;
  ASSERT_EQ(sched_getaffinity(0, sizeof bound, &bound), 0);
  EXPECT_EQ(usable_cores(nothing.path()), CPU_COUNT(&bound));
  write("sys/fs/cgroup/jobs/step/cpu.max", "max 100000\n");
  EXPECT_EQ(usable_cores(root_.path()), CPU_COUNT(&bound));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core) {
    if (CPU_ISSET(core, &bound)) CPU_SET(core, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cores(nothing.path()), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof bound, &bound), 0);
}

TEST_F(UsableCores, AreNoMoreThanTheQuotaOfAGroupAllows) {
  write("sys/fs/cgroup/jobs/cpu.max", "150000 100000\n");
  EXPECT_EQ(group_limits(root_.path()).cpus, 1.5);
  write("sys/fs/cgroup/jobs/step/cpu.max", "50000 100000\n");
  EXPECT_EQ(group_limits(root_.path()).cpus, 0.5);
  EXPECT_EQ(usable_cores(root_.path()), 1);
  write("sys/fs/cgroup/jobs/cpu.max", "100000000 100000\n");
  write("sys/fs/cgroup/jobs/step/cpu.max", "max 100000\n");
  const test::TemporaryFolder nothing;
  EXPECT_EQ(usable_cores(root_.path()), usable_cores(nothing.path())) << "a quota of 1,000 cores";
}

TEST_F(UsableCores, AreNoMoreThanTheQuotaOfAContainerInVersion1Allows) {
  be_in_a_container_of_version_1();
  EXPECT_EQ(group_limits(root_.path()).cpus, std::numeric_limits<double>::infinity());
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "90000\n");
  EXPECT_EQ(group_limits(root_.path()).cpus, 0.9);
  EXPECT_EQ(usable_cores(root_.path()), 1);
}

TEST_F(AvailableMemory, HereIsMoreThanAMegabyte) { EXPECT_GT(available_memory(), 1 << 20); }

}  // namespace
}  // namespace dcgan::cli
