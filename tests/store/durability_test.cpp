// What is on the disk before what else is written. Killing a process shows nothing of it, since the page cache
// survives; so the C library's calls that write, make durable and rename are stood in for, here and in HDF5, and noted.
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>

#include "dcgan/feature_file.h"
#include "dcgan/model_file.h"
#include "dcgan/packed_images.h"
#include "tests/store/example_features.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

// Follows which files have bytes that are not on the disk, and notes each step that a power failure would punish.
class DiskWatch {
 public:
  DiskWatch() { watching = this; }
  ~DiskWatch() { watching = nullptr; }
  DiskWatch(const DiskWatch&) = delete;
  DiskWatch& operator=(const DiskWatch&) = delete;

  static void wrote(int descriptor) {
    if (watching != nullptr) watching->write(path_of(descriptor));
  }
  static void synced(int descriptor) {
    if (watching != nullptr) watching->sync(path_of(descriptor));
  }
  static void renamed(const char* from, const char* to) {
    if (watching != nullptr) watching->rename(from, to);
  }

  bool is_safe(const std::string& path) const { return unsafe_.count(fs::canonical(path)) == 0; }
  std::vector<std::string> faults, renames;
  int journal_writes = 0;

 private:
  static std::string path_of(int descriptor) {
    std::error_code error;
    return fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error);
  }
  static bool is_journal(const std::string& path) { return fs::path(path).extension() == ".journal"; }

  void write(const std::string& path) {
    if (is_journal(path)) {
      ++journal_writes;
      // The journal speaks of rows: they must be there first.
      const std::string rows = fs::path(path).replace_extension();
      if (unsafe_.count(rows) != 0) faults.push_back("the journal was written before the rows were safe");
    }
    unsafe_[path] = true;
  }
  void sync(const std::string& path) { unsafe_.erase(path); }
  void rename(const std::string& from, const std::string& to) {
    const std::string whole = fs::canonical(to);  // it is there already
    if (unsafe_.count(fs::path(whole).parent_path() / fs::path(from).filename()) != 0)
      faults.push_back(from + " was renamed before it was safe");
    renames.push_back(to);
    unsafe_[fs::path(whole).parent_path()] = true;
  }

  static inline DiskWatch* watching = nullptr;
  std::map<std::string, bool> unsafe_;
};

}  // namespace
}  // namespace dcgan::test

#define DCGAN_STANDS_IN extern "C" __attribute__((visibility("default")))

DCGAN_STANDS_IN ssize_t write(int descriptor, const void* bytes, size_t count) {
  dcgan::test::DiskWatch::wrote(descriptor);
  return ::syscall(SYS_write, descriptor, bytes, count);
}
DCGAN_STANDS_IN ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t offset) {
  dcgan::test::DiskWatch::wrote(descriptor);
  return ::syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}
DCGAN_STANDS_IN ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t offset) {
  dcgan::test::DiskWatch::wrote(descriptor);
  return ::syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}
DCGAN_STANDS_IN int fsync(int descriptor) {
  dcgan::test::DiskWatch::synced(descriptor);
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}
DCGAN_STANDS_IN int fdatasync(int descriptor) {
  dcgan::test::DiskWatch::synced(descriptor);
  return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}
DCGAN_STANDS_IN int rename(const char* from, const char* to) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_rename, from, to));
  if (result == 0) dcgan::test::DiskWatch::renamed(from, to);
  return result;
}

namespace dcgan::test {
namespace {

TEST(Durability, OfAFeatureFileIsRowsThenJournalThenTheNameAndAFlushReturnsWhenAllIsSafe) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.h5", partial = path + ".partial";
  DiskWatch disk;
  FeatureFileWriter writer(path, example_info(), FeatureFileWriter::Mode::kCreate);
  for (const int64_t inputs : {5, 10, 40, 60}) {
    extract_example(writer, inputs);  // flushes
    EXPECT_TRUE(disk.is_safe(partial)) << inputs;
    EXPECT_TRUE(disk.is_safe(partial + ".journal")) << inputs;
  }
  EXPECT_GE(disk.journal_writes, 12) << "once for each batch of five";
  writer.close();
  EXPECT_THAT(disk.faults, IsEmpty());
  EXPECT_THAT(disk.renames, ::testing::ElementsAre(path));
  EXPECT_TRUE(disk.is_safe(folder / "")) << "the name itself";
}

TEST(Durability, OfPackedImagesIsRowsThenJournalThenTheName) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.h5";
  DiskWatch disk;
  PackedImagesInfo info;
  info.height = info.width = 64;
  info.classes = {"a"};
  PackedImageWriter writer(path, info, OutputMode::kCreate);
  const int64_t batches = 7, count = 512;  // 6 MiB each: the writer flushes every 32 MiB
  for (int64_t i = 0; i < batches; ++i) {
    ImageBatch images{64, 64, std::vector<uint8_t>(static_cast<size_t>(count * 64 * 64 * 3), 7), {}, {}};
    for (int64_t j = 0; j < count; ++j) images.paths.push_back("a/" + std::to_string(i * count + j));
    images.labels.assign(static_cast<size_t>(count), 0);
    writer.append(images);
  }
  writer.close();
  EXPECT_GE(disk.journal_writes, 3) << "what it is, a flush on the way and the last";
  EXPECT_THAT(disk.faults, IsEmpty());
  EXPECT_THAT(disk.renames, ::testing::ElementsAre(path));
  EXPECT_TRUE(disk.is_safe(folder / "")) << "the name itself";
}

TEST(Durability, OfAModelIsItsBytesThenTheName) {
  const TemporaryFolder folder;
  ModelFile model;
  model.architecture = {8, 1, 1, 1, 1, 1, Latent::kUniform};
  model.convolutions = 1;
  model.has_generator = false;
  model.tensors["discriminator.conv1.weight"] = make_tensor({1, 3, 1, 1}, {1, 2, 3});
  model.tensors["discriminator.head.weight"] = make_tensor({1, 16}, std::vector<float>(16, 1));
  DiskWatch disk;
  save_model(folder / "model", model);
  EXPECT_THAT(disk.faults, IsEmpty());
  EXPECT_THAT(disk.renames, ::testing::ElementsAre(folder / "model"));
  EXPECT_TRUE(disk.is_safe(folder / "")) << "the name itself";
}

}  // namespace
}  // namespace dcgan::test
