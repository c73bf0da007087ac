#include "tools/cli/memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace dcgan::cli {
namespace {

class AvailableMemory : public testing::Test {
 protected:
  AvailableMemory() {
    write("proc/meminfo", "MemTotal:  9000 kB\nMemFree:  1000 kB\nMemAvailable:    8000 kB\n");
    write("proc/self/cgroup", "1:memory:/old\n0::/jobs/step\n");
    write("sys/fs/cgroup/jobs/step/memory.max", "max\n");
  }
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  const test::TemporaryFolder root_;
};

TEST_F(AvailableMemory, IsWhatTheKernelSays) { EXPECT_EQ(available_memory(root_.path()), 8000 * 1024); }

TEST_F(AvailableMemory, IsTheLimitOfAnOuterControlGroupWhereThatIsLess) {
  write("sys/fs/cgroup/jobs/memory.max", "3000000\n");
  EXPECT_EQ(available_memory(root_.path()), 3000000);
  write("sys/fs/cgroup/jobs/memory.max", "9000000000\n");
  EXPECT_EQ(available_memory(root_.path()), 8000 * 1024);
}

TEST_F(AvailableMemory, HereIsMoreThanAMegabyte) { EXPECT_GT(available_memory(), 1 << 20); }

}  // namespace
}  // namespace dcgan::cli
