// A file that cannot be opened: each reason is a sentence of its own, with what helps, and none says that a whole file
// should be made again.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "dcgan/errors.h"
#include "dcgan/feature_file.h"
#include "dcgan/file_locks.h"
#include "tests/store/example_features.h"
#include "tests/support/lock_errors.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Hdf5Failures : public ::testing::Test {
 protected:
  void TearDown() override {
    lock_error = 0;
    use_file_locks(true);
  }
  static std::string refusal(const std::string& path) {
    try {
      const FeatureFileReader reader(path);
    } catch (const FileError& error) {
      return error.what();
    }
    return "accepted";
  }
  TemporaryFolder folder_;
};

TEST_F(Hdf5Failures, OfFilesOfH5pyNameTheReasonAndTheRemedy) {
  std::string output;
  const int status = run_python("tests/store/h5py_failures.py", folder_.path(), output);
  if (status == 77) GTEST_SKIP() << output;
  ASSERT_EQ(status, 0) << output;
  const auto make_again = HasSubstr("make it again");
  EXPECT_EQ(refusal(folder_ / "whole.h5"), "accepted");
  EXPECT_THAT(refusal(folder_ / "died.h5"), AllOf(StartsWith(folder_ / "died.h5: "), HasSubstr("open for writing"),
                                                  HasSubstr("h5clear -s"), Not(make_again)));
  EXPECT_THAT(refusal(folder_ / "lzf.h5"), AllOf(HasSubstr("\"features\""), HasSubstr("32000 (lzf)"),
                                                 HasSubstr("HDF5_PLUGIN_PATH"), HasSubstr("gzip"), Not(make_again)));
  const auto bytes = fs::file_size(folder_ / "whole.h5");
  EXPECT_THAT(refusal(folder_ / "cut.h5"), AllOf(HasSubstr("cut short: " + std::to_string(bytes - 100) +
                                                           " bytes, expected " + std::to_string(bytes)),
                                                 HasSubstr("fetch it again")));
  EXPECT_THAT(refusal(folder_ / "damaged.h5"), Not(HasSubstr("open for writing")));
  EXPECT_NE(refusal(folder_ / "damaged.h5"), "accepted");
}

TEST_F(Hdf5Failures, OfAFileThatANotebookHasOpenSayThatItIsToBeClosedThere) {
  const std::string command = "PYTHONPATH='" DCGAN_PYTHON_PATH "' '" DCGAN_PYTHON "' '" DCGAN_SOURCE_DIR
                              "/tests/store/h5py_failures.py' '" +
                              folder_.path() + "' open";
  FILE* notebook = ::popen(command.c_str(), "r");
  ASSERT_NE(notebook, nullptr);
  char line[256] = "";
  const bool says = std::fgets(line, sizeof line, notebook) != nullptr;
  const std::string refused = refusal(folder_ / "open.h5");
  std::ofstream(folder_ / "close").close();
  ::pclose(notebook);
  if (!says || std::string(line) != "open\n") GTEST_SKIP() << line;
  EXPECT_THAT(refused, AllOf(HasSubstr("open for writing in another program"), HasSubstr("close it there"),
                             Not(HasSubstr("damaged")), Not(HasSubstr("make it again"))));
  EXPECT_EQ(refusal(folder_ / "open.h5"), "accepted") << "once it is closed";
}

TEST_F(Hdf5Failures, OfTooManyOpenFilesNameTheLimit) {
  run_example(folder_ / "x.h5", 5);
  for (const int allowed : {0, 1}) {  // our own look at the file fails, or HDF5's
    EXPECT_THAT(in_child([&] {
                  const int next = ::dup(0);
                  const rlimit limit{static_cast<rlim_t>(next + allowed), static_cast<rlim_t>(next + allowed)};
                  ::close(next);
                  ::setrlimit(RLIMIT_NOFILE, &limit);
                  return refusal(folder_ / "x.h5");
                }),
                AllOf(HasSubstr("Too many open files"), HasSubstr("ulimit -n"), Not(HasSubstr("damaged"))))
        << allowed;
  }
}

TEST_F(Hdf5Failures, OfPermissionNameIt) {
  run_example(folder_ / "x.h5", 5);
  fs::permissions(folder_.path(), fs::perms::all);
  fs::permissions(folder_ / "x.h5", fs::perms::none);
  EXPECT_THAT(in_child([&] {
                constexpr uid_t kNobody = 65534;
                if (::geteuid() == 0 && ::seteuid(kNobody) != 0) return std::string("root stays root");
                return refusal(folder_ / "x.h5");
              }),
              AllOf(HasSubstr("Permission denied"), HasSubstr("chmod"), Not(HasSubstr("damaged"))));
}

TEST_F(Hdf5Failures, OfAFileSystemWithoutLocksSaySoAndAreNoneWithoutLocks) {
  const std::string path = folder_ / "x.h5";
  for (const int error : {ENOLCK, EOPNOTSUPP}) {
    use_file_locks(true);
    fs::remove(path);
    const auto no_locks =
        AllOf(StartsWith(folder_.path()), HasSubstr("cannot be locked"), HasSubstr(std::strerror(error)),
              HasSubstr("HDF5_USE_FILE_LOCKING=FALSE"), Not(HasSubstr("another process")), Not(HasSubstr("damaged")));
    lock_error = error;
    EXPECT_THAT([&] { run_example(path, 5); }, ::testing::ThrowsMessage<FileError>(no_locks));
    EXPECT_FALSE(fs::exists(path));
    lock_error = 0;
    run_example(path, 5);
    lock_error = error;
    EXPECT_THAT(refusal(path), no_locks);

    use_file_locks(false);
    EXPECT_EQ(refusal(path), "accepted");
    fs::remove(path);
    run_example(path, 5);
    EXPECT_EQ(refusal(path), "accepted");
  }
}

TEST_F(Hdf5Failures, OfALockThatAnotherHasAreOfItsOwnKind) {
  lock_error = EWOULDBLOCK;
  EXPECT_THAT([&] { run_example(folder_ / "x.h5", 5); },
              ::testing::ThrowsMessage<FileError>(HasSubstr("another process is writing the same output")));
}

}  // namespace
}  // namespace dcgan::test
