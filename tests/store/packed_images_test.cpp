#include "dcgan/packed_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <filesystem>
#include <fstream>

#include "dcgan/errors.h"
#include "dcgan/feature_file.h"
#include "store/hdf5_handles.h"
#include "tests/store/example_features.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

constexpr int64_t kHeight = 9;
constexpr int64_t kWidth = 7;

PackedImagesInfo example_packed_info() {
  PackedImagesInfo info;
  info.height = kHeight;
  info.width = kWidth;
  info.classes = {"a", "b", "c"};
  info.preparation = R"({"source":"test"})";
  info.command_line = "dcgan-prepare folder";
  return info;
}

/// Byte j of image i is (7 i + j) % 251.
ImageBatch example_images(int64_t first, int64_t count) {
  ImageBatch images;
  images.height = kHeight;
  images.width = kWidth;
  for (int64_t i = first; i < first + count; ++i) {
    images.paths.push_back("a/" + std::to_string(i) + ".png");
    images.labels.push_back(static_cast<int32_t>(i % 3));
    for (int64_t j = 0; j < kHeight * kWidth * 3; ++j) images.pixels.push_back(static_cast<uint8_t>((7 * i + j) % 251));
  }
  return images;
}

bool equals_example(const std::string& path, int64_t count) {
  const PackedImageReader reader(path);
  const ImageBatch expected = example_images(0, count);
  std::vector<uint8_t> pixels(expected.pixels.size());
  if (reader.count() != count) return false;
  reader.read(0, count, pixels.data());
  return pixels == expected.pixels && reader.paths() == expected.paths && reader.labels() == expected.labels;
}

class PackedImages : public ::testing::Test {
 protected:
  void write_example(int64_t count, int64_t batch) const {
    PackedImageWriter writer(path_, example_packed_info());
    for (int64_t first = 0; first < count; first += batch) {
      writer.append(example_images(first, std::min(batch, count - first)));
    }
    writer.append({}, {{"bad.png", "no image"}});
    writer.close();
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "x.h5";
};

TEST_F(PackedImages, ReadBackAsWrittenWhateverTheBatches) {
  for (const int64_t batch : {1, 100, 5548, 12000}) {  // 5,548 images of this size are a mebibyte
    constexpr int64_t kCount = 12000;
    fs::remove(path_);
    write_example(kCount, batch);
    const PackedImageReader reader(path_);
    ASSERT_EQ(reader.count(), kCount);
    EXPECT_EQ(reader.info().height, kHeight);
    EXPECT_EQ(reader.info().width, kWidth);
    EXPECT_EQ(reader.info().classes, example_packed_info().classes);
    EXPECT_EQ(reader.info().preparation, example_packed_info().preparation);
    EXPECT_EQ(reader.info().command_line, example_packed_info().command_line);
    const ImageBatch expected = example_images(0, kCount);
    EXPECT_EQ(reader.paths(), expected.paths);
    EXPECT_EQ(reader.labels(), expected.labels);
    std::vector<uint8_t> pixels(expected.pixels.size());
    reader.read(0, kCount, pixels.data());
    EXPECT_EQ(pixels, expected.pixels);
    pixels.resize(2 * kHeight * kWidth * 3);
    reader.read(5547, 2, pixels.data());
    EXPECT_EQ(pixels, example_images(5547, 2).pixels);
    ASSERT_EQ(reader.failures().size(), 1);
    EXPECT_EQ(reader.failures()[0].reason, "no image");
    EXPECT_TRUE(is_hdf5_file(path_));
  }
}

TEST_F(PackedImages, AppearWholeOrNotAtAll) {
  {
    PackedImageWriter writer(path_, example_packed_info());
    writer.append(example_images(0, 10));
    EXPECT_FALSE(fs::exists(path_));
  }
  EXPECT_THAT([&] { PackedImageWriter(path_, example_packed_info()); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("--resume"), HasSubstr("--overwrite"))));
  PackedImageWriter(path_, example_packed_info(), OutputMode::kResume).discard();
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  write_example(10, 10);
  EXPECT_THAT([&] { PackedImageWriter(path_, example_packed_info()); },
              ThrowsMessage<FileError>(AllOf(StartsWith(path_), HasSubstr("--overwrite"))));
  PackedImageWriter(path_, example_packed_info(), OutputMode::kOverwrite).close();
  EXPECT_EQ(PackedImageReader(path_).count(), 0);
}

TEST_F(PackedImages, RefuseImagesOfAnotherSizeAndWrongLabels) {
  PackedImageWriter writer(path_, example_packed_info());
  ImageBatch images = example_images(0, 2);
  images.labels[1] = 3;
  EXPECT_THAT([&] { writer.append(images); }, ThrowsMessage<Error>(HasSubstr("label of a/1.png is 3")));
  images.labels.clear();
  EXPECT_THAT([&] { writer.append(images); }, ThrowsMessage<Error>(HasSubstr("0 labels")));
  images = example_images(0, 2);
  images.width = 8;
  EXPECT_THAT([&] { writer.append(images); }, ThrowsMessage<Error>(HasSubstr("8 x 9")));
  images = example_images(0, 2);
  images.pixels.pop_back();
  EXPECT_THROW(writer.append(images), Error);
  EXPECT_EQ(writer.count(), 0);
}

TEST_F(PackedImages, OfImpossibleSizesAreRefused) {
  for (const auto& [width, height] : {std::pair{0, 9}, {8, 0}, {65536, 9}, {8, 65536}}) {
    PackedImagesInfo info = example_packed_info();
    info.width = width;
    info.height = height;
    EXPECT_THAT([&] { PackedImageWriter(path_, info); },
                ThrowsMessage<FileError>(HasSubstr("sides from 1 to 65535 can")))
        << width << " x " << height;
  }
  EXPECT_FALSE(fs::exists(path_ + ".partial"));
}

TEST_F(PackedImages, RowsWithoutALabelRaiseTheVersionOfTheFileThatHoldsThemAndOfNoOther) {
  const auto version = [&] {
    const hdf5::Session session;
    const hdf5::Handle file = hdf5::open_file(path_);
    return hdf5::read_attribute({file, path_}, "format_version", int64_t{0});
  };
  ImageBatch images = example_images(0, 6);
  for (const int32_t label : {2, -1}) {
    PackedImageWriter writer(path_, example_packed_info(), OutputMode::kOverwrite);
    images.labels[3] = label;
    writer.append(images);
    writer.close();
    EXPECT_EQ(version(), label < 0 ? 2 : 1);
    const PackedImageReader reader(path_);
    EXPECT_EQ(reader.labels()[3], label);
  }
  // A file of version 1 has none: -1 there is damage.
  const hdf5::Session session;
  hdf5::Handle file(H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, path_, "cannot be opened");
  hdf5::write_attribute({file, path_}, "format_version", int64_t{1});
  file.close(path_);
  EXPECT_THAT([&] { PackedImageReader{path_}; },
              ThrowsMessage<FileError>(HasSubstr("label of row 3 is -1; its 3 classes allow 0 to 2")));
}

TEST_F(PackedImages, AFeatureFileIsRefusedNamingBothKinds) {
  run_example(path_, 5);
  EXPECT_THAT([&] { PackedImageReader reader(path_); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("dcgan-features"), HasSubstr("dcgan-images"))));
}

TEST_F(PackedImages, CutShortAnywhereAreRefused) {
  write_example(20, 20);
  const auto bytes = static_cast<int64_t>(fs::file_size(path_));
  for (int64_t length = bytes - 1; length > 0; length -= length < 8192 ? 97 : 40009) {
    fs::resize_file(path_, static_cast<uintmax_t>(length));
    EXPECT_THAT([&] { PackedImageReader reader(path_); }, ThrowsMessage<FileError>(StartsWith(path_ + ": "))) << length;
  }
}

TEST_F(PackedImages, AFullDiskIsOneClearErrorAndTheRunResumesOnceThereIsRoom) {
  fs::create_directory(folder_ / "disk");
  const std::string path = folder_ / "disk/x.h5";
  int stopped = 0;
  for (const int64_t kilobytes : {4, 40, 64, 100, 140, 500, 1100, 1200, 1300, 2000, 2200, 2400}) {
    const std::string result = in_child([&]() -> std::string {
      if (!mount_small_disk(folder_ / "disk", kilobytes * 1024)) return "unsupported";
      std::string message;
      try {
        PackedImageWriter writer(path, example_packed_info());
        for (int64_t i = 0; i < 10000; i += 100) writer.append(example_images(i, 100), {}, i + 100);
        writer.close();
      } catch (const FileError& error) {
        message = error.what();
      }
      if ((message.find("--resume") != std::string::npos) != fs::exists(path + ".partial")) return "advice: " + message;
      if (!resize_small_disk(folder_ / "disk", 8 << 20)) return "cannot resize";
      // The process goes on: HDF5 survives its own failure.
      if (message.empty()) return "";
      PackedImageWriter writer(path, example_packed_info(), OutputMode::kResume);
      for (int64_t i = writer.inputs_done(); i < 10000; i += 100) writer.append(example_images(i, 100), {}, i + 100);
      writer.close();
      return equals_example(path, 10000) ? message : "cannot go on after " + message;
    });
    if (result == "unsupported") GTEST_SKIP() << "no small disk may be mounted here";
    if (result.empty()) continue;
    ++stopped;
    EXPECT_THAT(result, AllOf(StartsWith(path), HasSubstr("No space left on device"))) << kilobytes;
  }
  EXPECT_GT(stopped, 5);
}

/// Packs 40 images, every eighth input a failure, with a flush every five inputs. @return inputs done by earlier runs
int64_t pack_example(const std::string& path, volatile int64_t* flushed = nullptr) {
  if (fs::exists(path)) return 40;
  PackedImageWriter writer(path, example_packed_info(), OutputMode::kResume);
  const int64_t resumed_at = writer.inputs_done();
  for (int64_t i = resumed_at; i < 40; ++i) {
    const bool fails = i % 8 == 7;
    writer.append(fails ? ImageBatch{} : example_images(i, 1),
                  fails ? std::vector<Failure>{{std::to_string(i), "no image"}} : std::vector<Failure>{}, i + 1);
    if (i % 5 != 4) continue;
    writer.flush();
    if (flushed != nullptr) *flushed = i + 1;
  }
  writer.close();
  return resumed_at;
}

TEST_F(PackedImages, KilledBeforeAnySystemCallTheyResumeToTheSameRows) {
  auto* flushed = static_cast<volatile int64_t*>(
      ::mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const auto text_of = [](const std::string& path) {
    const PackedImageReader reader(path);
    std::string text;
    std::vector<uint8_t> pixels(static_cast<size_t>(kHeight * kWidth * 3));
    for (int64_t i = 0; i < reader.count(); ++i) {
      reader.read(i, 1, pixels.data());
      text += reader.paths()[static_cast<size_t>(i)] + std::to_string(reader.labels()[static_cast<size_t>(i)]);
      text.append(pixels.begin(), pixels.end());
    }
    for (const Failure& failure : reader.failures()) text += failure.path + failure.reason;
    return text;
  };
  pack_example(path_);
  const std::string whole = text_of(path_);
  int64_t kills = 0;
  for (;; ++kills) {
    fs::remove_all(folder_ / "run");
    fs::create_directory(folder_ / "run");
    const std::string path = folder_ / "run/x.h5";
    *flushed = 0;
    const Stopped stopped = in_child_killed_at_call(kills, [&] { pack_example(path, flushed); });
    if (stopped == Stopped::kUnsupported) GTEST_SKIP() << "a process may not trace its child here";
    if (stopped == Stopped::kFinished) break;
    EXPECT_GE(pack_example(path), *flushed) << "images of a flush were lost";
    ASSERT_EQ(text_of(path), whole) << "killed before system call " << kills;
    EXPECT_FALSE(fs::exists(path + ".partial"));
    EXPECT_FALSE(fs::exists(path + ".partial.head"));
  }
  EXPECT_GE(kills, 30);
}

TEST_F(PackedImages, AResumedRunMustBeOfTheSameKind) {
  { PackedImageWriter(path_, example_packed_info()).append(example_images(0, 3), {}, 3); }
  PackedImagesInfo other = example_packed_info();
  other.preparation = R"({"source":"another"})";
  EXPECT_THAT(
      [&] { PackedImageWriter(path_, other, OutputMode::kResume); },
      ThrowsMessage<FileError>(AllOf(HasSubstr("preparation"), HasSubstr("another"), HasSubstr("--overwrite"))));
  other = example_packed_info();
  other.input_list = "7";
  EXPECT_THAT([&] { PackedImageWriter(path_, other, OutputMode::kResume); },
              ThrowsMessage<FileError>(HasSubstr("input_list")));
  PackedImageWriter writer(path_, example_packed_info(), OutputMode::kResume);
  EXPECT_EQ(writer.count(), 3);
  writer.close();
}

TEST_F(PackedImages, AgreeWithH5pyBothWays) {
  write_example(12, 5);
  std::string output;
  const int status = run_python("tests/store/h5py_images.py", folder_.path(), output);
  if (status == 77) GTEST_SKIP() << output;
  ASSERT_EQ(status, 0) << output;
  for (const char* name : {"plain", "compressed"}) {  // without labels and paths
    const PackedImageReader reader(folder_ / (std::string(name) + ".h5"));
    ASSERT_EQ(reader.count(), 12);
    std::vector<uint8_t> pixels(static_cast<size_t>(12 * kHeight * kWidth * 3));
    reader.read(0, 12, pixels.data());
    EXPECT_EQ(pixels, example_images(0, 12).pixels);
    EXPECT_EQ(reader.paths().at(11), "11");
    EXPECT_TRUE(reader.labels().empty());
  }
  EXPECT_THAT([&] { PackedImageReader reader(folder_ / "floats.h5"); },
              ThrowsMessage<FileError>(HasSubstr("must be uint8 [N, H, W, 3]")));
  EXPECT_EQ(PackedImageReader(folder_ / "texts.h5").paths().at(11),
            "p\xc3\xa4"
            "11");
  EXPECT_EQ(PackedImageReader(folder_ / "compressed_texts.h5").paths().at(11), "p11");
  EXPECT_THAT([&] { PackedImageReader reader(folder_ / "texts_of_another.h5"); },
              ThrowsMessage<FileError>(HasSubstr("takes texts from other files")));
  const auto linked = [&] {
    EXPECT_EQ(PackedImageReader(folder_ / "linked.h5").paths().at(11),
              "p\xc3\xa4"
              "11");
  };
  EXPECT_NO_THROW(linked());
  EXPECT_THAT([&] { PackedImageReader reader(folder_ / "small_addresses.h5"); },
              ThrowsMessage<FileError>(HasSubstr("has addresses of 4 bytes")));
  EXPECT_EQ(PackedImageReader(folder_ / "long.h5").labels().size(), 200'000U);
}

TEST_F(PackedImages, AreReadWithATextThatThisProcessHasNotWrittenYet) {
  write_example(3, 3);
  const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(file, 0);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t space = H5Screate(H5S_SCALAR);
  H5Adelete(file, "preparation");
  const hid_t attribute = H5Acreate2(file, "preparation", type, space, H5P_DEFAULT, H5P_DEFAULT);
  const std::string text(5000, 'x');
  const char* start = text.c_str();
  H5Awrite(attribute, type, &start);
  EXPECT_NO_THROW(EXPECT_EQ(PackedImageReader(path_).info().preparation, text));
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  H5Fclose(file);
}

}  // namespace
}  // namespace dcgan::test
