#include "dcgan/feature_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "dcgan/errors.h"
#include "dcgan/packed_images.h"
#include "tests/store/example_features.h"
#include "tests/support/bytes_of.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;
using Mode = FeatureFileWriter::Mode;

class FeatureFile : public ::testing::Test {
 protected:
  /// Writes 60 inputs, 55 rows.
  void write_example(FloatStorage storage = FloatStorage::kFloat32) {
    FeatureFileWriter writer(path_, example_info(storage), Mode::kCreate);
    extract_example(writer, 60);
    writer.close();
  }
  std::string refusal() const {
    try {
      const FeatureFileReader reader(path_);
    } catch (const FileError& error) {
      return error.what();
    }
    return "accepted";
  }
  std::string refusal(const FeatureFileInfo& info, Mode mode) const {
    try {
      const FeatureFileWriter writer(path_, info, mode);
    } catch (const FileError& error) {
      return error.what();
    }
    return "accepted";
  }

  void expect_labels_of_other_programs() const;

  TemporaryFolder folder_;
  std::string path_ = folder_ / "x.h5";
};

TEST_F(FeatureFile, ReadsBackWhatWasWrittenInBothStorages) {
  for (const FloatStorage storage : {FloatStorage::kFloat32, FloatStorage::kFloat16}) {
    fs::remove(path_);
    write_example(storage);
    const FeatureFileReader reader(path_);
    const FeatureFileInfo info = example_info(storage);
    EXPECT_EQ(reader.rows(), 55);
    EXPECT_EQ(reader.feature_count(), kColumns);
    EXPECT_EQ(reader.info().feature_count, kColumns);
    EXPECT_EQ(reader.info().storage, storage);
    EXPECT_EQ(reader.info().model_sha256, info.model_sha256);
    EXPECT_EQ(reader.info().architecture, info.architecture);
    EXPECT_EQ(reader.info().layers, info.layers);
    EXPECT_EQ(reader.info().layer_offsets, info.layer_offsets);
    EXPECT_EQ(reader.info().grid, info.grid);
    EXPECT_EQ(reader.info().preprocessing, info.preprocessing);
    EXPECT_EQ(reader.info().command_line, info.command_line);
    EXPECT_EQ(reader.info().seed, info.seed);
    EXPECT_EQ(reader.info().classes, info.classes);
    EXPECT_EQ(reader.paths().at(54), "dog/59\xc3\xa4.png");
    EXPECT_EQ(reader.labels().at(54), 1);
    ASSERT_EQ(reader.failures().size(), 5);
    EXPECT_EQ(reader.failures()[4].path, "cat/54\xc3\xa4.png");
    EXPECT_EQ(reader.failures()[4].reason, "no image");
    std::vector<float> rows(55 * kColumns);
    reader.read(0, 55, rows.data());
    EXPECT_EQ(rows, example_rows(0, 55));
    rows.assign(7 * kColumns, 0);
    reader.read(48, 7, rows.data());
    EXPECT_EQ(rows, example_rows(48, 7));
    EXPECT_THAT([&] { reader.read(50, 6, rows.data()); }, ThrowsMessage<Error>(HasSubstr("it has 55")));
  }
}

// A resumed extraction compares some of them with what it would write today.
TEST_F(FeatureFile, GivesBackRowsWhileItIsBeingWritten) {
  for (const FloatStorage storage : {FloatStorage::kFloat32, FloatStorage::kFloat16}) {
    FeatureFileWriter writer(path_, example_info(storage), Mode::kOverwrite);
    extract_example(writer, 30);
    ASSERT_EQ(writer.rows(), 28);
    std::vector<float> rows(5 * kColumns);
    writer.read(7, 5, rows.data());
    EXPECT_EQ(rows, example_rows(7, 5));
    EXPECT_THAT([&] { writer.read(25, 4, rows.data()); }, ThrowsMessage<Error>(HasSubstr("25 to 28 were asked for")));
  }
}

TEST_F(FeatureFile, HoldsRowsOfManyChunksOfAMebibyte) {
  FeatureFileInfo info;
  info.feature_count = 28672;
  constexpr int64_t kRows = 25;  // 9 rows of 28,672 float32 are a chunk
  info.inputs = {"", 0, kRows + 3, kRows + 3};
  FeatureFileWriter writer(path_, info, Mode::kCreate);
  std::vector<float> row(28672);
  for (int64_t i = 0; i < kRows; ++i) {
    for (size_t j = 0; j < row.size(); ++j) row[j] = static_cast<float>(i * 28672 + static_cast<int64_t>(j));
    writer.append(row.data(), {std::to_string(i)}, {}, {}, i + 1);
  }
  writer.close();
  const FeatureFileReader reader(path_);
  std::vector<float> rows(kRows * 28672);
  reader.read(0, kRows, rows.data());
  for (size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows[i], static_cast<float>(i));
  EXPECT_TRUE(reader.labels().empty());
  EXPECT_TRUE(reader.info().classes.empty());
}

TEST_F(FeatureFile, MayHoldNoRowAtAll) {
  for (const int64_t expected : {0, 1, 7}) {
    fs::remove(path_);
    FeatureFileWriter writer(path_, example_info(FloatStorage::kFloat32, expected), Mode::kCreate);
    writer.append(nullptr, {}, {}, {{"a", "no image"}}, 1);
    writer.close();
    const FeatureFileReader reader(path_);
    EXPECT_EQ(reader.rows(), 0) << expected;
    EXPECT_EQ(reader.failures().size(), 1);
  }
}

TEST_F(FeatureFile, KeepsAnyBytesOfAPath) {
  const std::vector<std::string> paths = {"caf\xe9.png", "line\nbreak", std::string(5000, 'p'), "\xf0\x9f\x90\x88"};
  FeatureFileInfo info = example_info();
  info.classes.clear();
  FeatureFileWriter writer(path_, info, Mode::kCreate);
  writer.append(example_rows(0, 4).data(), paths, {}, {}, 4);
  writer.close();
  EXPECT_EQ(FeatureFileReader(path_).paths(), paths);
}

TEST_F(FeatureFile, HasATableOfWarningsOnlyWhereThereAreSome) {
  for (const bool warned : {false, true}) {
    const std::string path = folder_ / (warned ? "warned.h5" : "good.h5");
    FeatureFileWriter writer(path, example_info(), Mode::kCreate);
    if (warned) writer.warn({{"cat/0.png", "surplus bytes"}});
    writer.append(example_rows(0, 1).data(), {"cat/0.png"}, {0}, {}, 1);
    EXPECT_EQ(writer.warnings(), warned ? 1 : 0);
    writer.close();
    EXPECT_EQ(bytes_of(path).find("warnings") != std::string::npos, warned);
    EXPECT_THAT(FeatureFileReader(path).warnings(), ::testing::SizeIs(warned ? 1 : 0));
    EXPECT_THAT(FeatureFileReader(path).failures(), ::testing::SizeIs(0));
  }
}

TEST_F(FeatureFile, AHalfTooLargeIsRefusedWithItsImage) {
  FeatureFileWriter writer(path_, example_info(FloatStorage::kFloat16), Mode::kCreate);
  std::vector<float> row = example_rows(0, 1);
  row[7] = 65520;  // rounds beyond 65504, the largest half
  EXPECT_THAT([&] { writer.append(row.data(), {"cat/1.png"}, {0}, {}, 1); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("cat/1.png"), HasSubstr("65520"), HasSubstr("--storage f32"))));
  row[7] = 65519;
  writer.append(row.data(), {"cat/1.png"}, {0}, {}, 1);
  row[7] = std::numeric_limits<float>::infinity();  // not the storage's fault
  EXPECT_EQ(writer.rows(), 1);
}

TEST_F(FeatureFile, RefusesWrongRows) {
  FeatureFileWriter writer(path_, example_info(FloatStorage::kFloat32, 2), Mode::kCreate);
  const std::vector<float> rows = example_rows(0, 3);
  EXPECT_THAT([&] { writer.append(rows.data(), {"a"}, {2}, {}, 1); },
              ThrowsMessage<Error>(AllOf(HasSubstr("label of a is 2"), HasSubstr("0 to 1"))));
  EXPECT_THAT([&] { writer.append(rows.data(), {"a"}, {}, {}, 1); }, ThrowsMessage<Error>(HasSubstr("0 labels")));
  EXPECT_THAT(
      [&] {
        writer.append(rows.data(), {"a", "b", "c"}, {0, 0, 0}, {}, 3);
      },
      ThrowsMessage<Error>(HasSubstr("laid out for 2 rows")));
  EXPECT_EQ(writer.rows(), 0);
}

TEST_F(FeatureFile, AnExistingOutputIsRefusedNamingOverwrite) {
  write_example();
  const std::string before = contents(path_);
  EXPECT_THAT(refusal(example_info(), Mode::kCreate), AllOf(StartsWith(path_), HasSubstr("--overwrite")));
  EXPECT_THAT(refusal(example_info(), Mode::kResume), HasSubstr("exists already"));
  {
    FeatureFileWriter writer(path_, example_info(), Mode::kOverwrite);
    extract_example(writer, 5);
    EXPECT_EQ(contents(path_), before) << "replaced only when the new one is whole";
    writer.close();
  }
  EXPECT_EQ(FeatureFileReader(path_).rows(), 5);
}

TEST_F(FeatureFile, APartialFileIsRefusedNamingResumeAndOverwrite) {
  {
    FeatureFileWriter writer(path_, example_info(), Mode::kCreate);
    extract_example(writer, 15);
  }
  EXPECT_TRUE(fs::exists(path_ + ".partial"));
  EXPECT_THAT(refusal(example_info(), Mode::kCreate), AllOf(HasSubstr("--resume"), HasSubstr("--overwrite")));
  FeatureFileWriter resumed(path_, example_info(), Mode::kResume);
  EXPECT_EQ(resumed.inputs_done(), 15);
  EXPECT_EQ(resumed.rows(), 14);
  EXPECT_THAT(refusal(example_info(), Mode::kResume), HasSubstr("another process"));
}

TEST_F(FeatureFile, ResumesOnlyTheSameWorkAndSaysWhatDiffers) {
  {
    FeatureFileWriter writer(path_, example_info(), Mode::kCreate);
    extract_example(writer, 15);
  }
  FeatureFileInfo info = example_info();
  info.model_sha256 = std::string(64, 'b');
  EXPECT_THAT(refusal(info, Mode::kResume),
              AllOf(HasSubstr("model_sha256 \"aaa"), HasSubstr("\"bbb"), HasSubstr("--overwrite")));
  info = example_info();
  info.grid = 2;
  EXPECT_THAT(refusal(info, Mode::kResume), AllOf(HasSubstr("grid \"4\""), HasSubstr("\"2\"")));
  info = example_info(FloatStorage::kFloat16);
  EXPECT_THAT(refusal(info, Mode::kResume), AllOf(HasSubstr("storage \"f32\""), HasSubstr("\"f16\"")));
  info = example_info();
  info.classes = {"cat", "dog", "elk"};
  EXPECT_THAT(refusal(info, Mode::kResume), HasSubstr("classes"));
  info = example_info();
  info.inputs.list = "others";
  EXPECT_THAT(refusal(info, Mode::kResume), AllOf(HasSubstr("input_list \"inputs-1\""), HasSubstr("\"others\"")));
  info = example_info();
  info.inputs.total = 61;
  EXPECT_THAT(refusal(info, Mode::kResume), AllOf(HasSubstr("input_total \"60\""), HasSubstr("\"61\"")));
  info = example_info();
  info.inputs.first = 1;
  EXPECT_THAT(refusal(info, Mode::kResume), HasSubstr("first_input \"0\""));
  info = example_info();
  info.command_line += " --resume";
  EXPECT_EQ(refusal(info, Mode::kResume), "accepted");
}

TEST_F(FeatureFile, APartialFileIsNoFeatureFileYet) {
  {
    FeatureFileWriter writer(path_, example_info(), Mode::kCreate);
    extract_example(writer, 15);
  }
  EXPECT_THAT([&] { FeatureFileReader(path_ + ".partial"); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("incomplete"), HasSubstr("--resume"))));
  fs::remove(path_ + ".partial.journal");
  EXPECT_THAT(refusal(example_info(), Mode::kResume), AllOf(HasSubstr("journal"), HasSubstr("--overwrite")));
}

TEST_F(FeatureFile, APartialFileOfTheWriterBeforeIsRefusedByNameAndReplacedOnlyByOverwrite) {
  const fs::path golden = fs::path(DCGAN_SOURCE_DIR) / "tests/golden/journal_of_version_1";  // its README says whose
  fs::copy(golden, folder_.path());
  path_ = folder_ / "features.h5";
  const auto refuses = AllOf(StartsWith(path_ + ".partial: "), HasSubstr("another version of this program"),
                             HasSubstr("version 1"), HasSubstr("writes 2"), HasSubstr("--overwrite"));
  EXPECT_THAT(refusal(example_info(FloatStorage::kFloat32, 20), Mode::kResume), refuses);
  EXPECT_THAT(refusal(example_info(FloatStorage::kFloat32, 20), Mode::kResume), refuses) << "nothing was touched";
  {
    FeatureFileWriter writer(path_, example_info(FloatStorage::kFloat32, 20), Mode::kOverwrite);
    extract_example(writer, 20);
    writer.close();
  }
  EXPECT_EQ(FeatureFileReader(path_).rows(), expected_rows(20));

  PackedImagesInfo info;
  info.height = 9;
  info.width = 7;
  EXPECT_THAT([&] { PackedImageWriter(folder_ / "images.h5", info, Mode::kResume); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("images.h5.partial"), HasSubstr("version 1"))));
}

TEST_F(FeatureFile, APartialFileCutShortIsRefused) {
  {
    FeatureFileWriter writer(path_, example_info(), Mode::kCreate);
    extract_example(writer, 15);
  }
  fs::resize_file(path_ + ".partial", 5000);
  EXPECT_THAT(refusal(example_info(), Mode::kResume), AllOf(HasSubstr("5000 bytes"), HasSubstr("--overwrite")));
}

TEST_F(FeatureFile, CutShortAnywhereIsRefused) {
  write_example();
  const auto bytes = static_cast<int64_t>(fs::file_size(path_));
  fs::copy(path_, folder_ / "whole");
  for (int64_t length = 0; length < bytes; length += length < 4096 ? 61 : 997) {
    fs::copy(folder_ / "whole", path_, fs::copy_options::overwrite_existing);
    fs::resize_file(path_, static_cast<uintmax_t>(length));
    EXPECT_THAT(refusal(), StartsWith(path_ + ": ")) << length;
  }
}

TEST_F(FeatureFile, AFlippedByteNeverCrashesTheReader) {
  constexpr size_t kRowsBegin = 4096, kRowsEnd = 12000;  // any bytes are floats
  write_example();
  std::ifstream in(folder_ / "x.h5", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  // In a child: HDF5 1.10 leaks what it had of a damaged file, and complains when the process ends.
  const std::string result = in_child([&] {
    int refused = 0;
    for (size_t at = 0; at < whole.size(); at += 3) {
      if (whole[at] == 0 && at % 101 != 0) continue;  // most of the file is room for more texts
      if (at > kRowsBegin && at < kRowsEnd && at % 101 != 0) continue;
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
      std::ofstream(path_, std::ios::binary) << damaged;
      try {
        contents(path_);
      } catch (const Error&) {
        ++refused;
      }
    }
    return refused > 50 ? std::string("survived") : "only " + std::to_string(refused) + " refused";
  });
  EXPECT_EQ(result, "survived");
}

TEST_F(FeatureFile, ReadsFromSeveralThreads) {
  write_example();
  const FeatureFileReader reader(path_);
  const FeatureFileReader second(path_);
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      std::vector<float> row(kColumns);
      for (int64_t i = 0; i < 55; ++i) {
        (t % 2 == 0 ? reader : second).read(i, 1, row.data());
        if (row != example_rows(i, 1)) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, ElementsAre(0, 0, 0, 0));
}

TEST_F(FeatureFile, OtherKindsOfFilesAreRefusedByName) {
  EXPECT_THAT(refusal(), HasSubstr("does not exist"));
  std::ofstream(path_) << "not HDF5";
  EXPECT_THAT(refusal(), AllOf(HasSubstr("8 bytes"), HasSubstr("HDF5")));
  PackedImageWriter(path_, {}, OutputMode::kOverwrite).close();
  EXPECT_THAT(refusal(), AllOf(HasSubstr("dcgan-images"), HasSubstr("dcgan-features"), HasSubstr("dcgan-extract")));
  EXPECT_THAT([&] { FeatureFileReader(folder_.path()); }, ThrowsMessage<FileError>(StartsWith(folder_.path())));
}

/// Changes to a good file by plain HDF5 calls.
class DamagedFeatureFile : public FeatureFile {
 protected:
  void SetUp() override {
    write_example();
    file_ = H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  }
  void set_number(const char* name, int64_t value) const {
    const hid_t attribute = H5Aopen(file_, name, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT64, &value);
    H5Aclose(attribute);
  }
  /// Puts a dataset of the same name in its place: int32 [count] of `value`.
  void replace_by_integers(const char* name, hsize_t count, int value) const {
    H5Ldelete(file_, name, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    const hid_t dataset = H5Dcreate2(file_, name, H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const std::vector<int> values(count, value);
    H5Dwrite(dataset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(dataset);
    H5Sclose(space);
  }
  std::string refusal_when_closed() const {
    H5Fclose(file_);
    return refusal();
  }

  hid_t file_ = -1;
};

TEST_F(DamagedFeatureFile, OfAnotherFormatVersionIsRefusedNamingBoth) {
  set_number("format_version", 7);
  EXPECT_THAT(refusal_when_closed(), AllOf(HasSubstr("format_version is 7"), HasSubstr("reads 1 and 2")));
}

TEST_F(DamagedFeatureFile, WithoutItsFeaturesIsRefused) {
  H5Ldelete(file_, "features", H5P_DEFAULT);
  EXPECT_THAT(refusal_when_closed(), HasSubstr("no dataset \"features\""));
}

TEST_F(DamagedFeatureFile, WithIntegersForFeaturesIsRefused) {
  replace_by_integers("features", 55, 0);
  EXPECT_THAT(refusal_when_closed(), AllOf(HasSubstr("is int32 [55]"), HasSubstr("must be floats [N, D]")));
}

TEST_F(DamagedFeatureFile, WithFewerLabelsThanRowsIsRefused) {
  replace_by_integers("labels", 54, 0);
  EXPECT_THAT(refusal_when_closed(), AllOf(HasSubstr("55 rows"), HasSubstr("54 labels")));
}

TEST_F(DamagedFeatureFile, WithALabelBeyondItsClassesIsRefusedNamingTheRow) {
  replace_by_integers("labels", 55, 2);
  EXPECT_THAT(refusal_when_closed(), AllOf(HasSubstr("label of row 0 is 2"), HasSubstr("0 to 1")));
}

TEST_F(DamagedFeatureFile, WithNumbersForPathsIsRefused) {
  replace_by_integers("paths", 55, 2);
  EXPECT_THAT(refusal_when_closed(), HasSubstr("\"paths\" must hold texts"));
}

TEST_F(DamagedFeatureFile, WithAnotherFeatureCountIsRefused) {
  set_number("feature_count", 49);
  EXPECT_THAT(refusal_when_closed(), AllOf(HasSubstr("49"), HasSubstr("48")));
}

TEST_F(DamagedFeatureFile, ThatClaimsMoreRowsThanItHoldsIsRefused) {
  H5Ldelete(file_, "labels", H5P_DEFAULT);
  const hsize_t count = hsize_t{1} << 60;
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  H5Dclose(H5Dcreate2(file_, "labels", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
  EXPECT_THAT(refusal_when_closed(), AllOf(HasSubstr("1152921504606846976"), HasSubstr("only 0 bytes")));
}

void FeatureFile::expect_labels_of_other_programs() const {
  const auto labels_of = [&](const std::string& name) { return FeatureFileReader(folder_ / (name + ".h5")).labels(); };
  const auto classes_of = [&](const std::string& name) {
    return FeatureFileReader(folder_ / (name + ".h5")).info().classes;
  };
  std::vector<int32_t> thirds, ones;
  for (int32_t i = 0; i < 20; ++i) {
    thirds.push_back(i % 3);
    ones.push_back(i % 3 == 1 ? 1 : 0);
  }
  for (const char* name : {"float", "float_column", "uint64", "one_hot", "one_hot_bool", "one_hot_float"}) {
    EXPECT_EQ(labels_of(std::string("labels_") + name), thirds) << name;
    EXPECT_THAT(classes_of(std::string("labels_") + name), ElementsAre()) << name;
  }
  for (const char* name : {"bool", "bool_column"}) EXPECT_EQ(labels_of(std::string("labels_") + name), ones) << name;
  for (const char* name : {"text", "text_column", "bytes", "bytes_column"}) {
    EXPECT_EQ(labels_of(std::string("labels_") + name), thirds) << name;
    EXPECT_THAT(classes_of(std::string("labels_") + name), ElementsAre("cat", "dog", "eel")) << name;
  }
  for (const char* name : {"enum", "enum_column", "enum_wide"}) {
    EXPECT_EQ(labels_of(std::string("labels_") + name), thirds) << name;
    EXPECT_THAT(classes_of(std::string("labels_") + name), ElementsAre("cat", "dog", "eel")) << name;
  }
  EXPECT_THAT(classes_of("labels_enum_beyond"), ElementsAre("2", "cat", "dog"));
  EXPECT_THAT(classes_of("labels_text_classes"), ElementsAre("eel", "cat", "owl", "dog"));
  const std::vector<int32_t> first(labels_of("labels_text_classes"));
  EXPECT_THAT(std::vector<int32_t>(first.begin(), first.begin() + 3), ElementsAre(1, 3, 0)) << "cat, dog, eel";
  const auto refused = [&](const char* name) {
    try {
      labels_of(std::string("labels_") + name);
    } catch (const FileError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refused("half"), AllOf(HasSubstr("label 0.5"), HasSubstr("row 2"), HasSubstr("no whole number"),
                                     HasSubstr("float64 [20]")));
  EXPECT_THAT(refused("nan"), AllOf(HasSubstr("nan"), HasSubstr("row 2")));
  EXPECT_THAT(refused("two_hot"), AllOf(HasSubstr("int32 [20, 3]"), HasSubstr("row 2 is not one-hot")));
  EXPECT_THAT(refused("compound"), AllOf(HasSubstr("compounds"), HasSubstr("[20]"), HasSubstr("one-hot")));
  EXPECT_THAT(refused("cube"), AllOf(HasSubstr("int32 [20, 1, 1]"), HasSubstr("expected")));
  EXPECT_THAT(refused("text_cube"), AllOf(HasSubstr("texts [20, 1, 1]"), HasSubstr("expected")));
  EXPECT_THAT(refused("bool_cube"), AllOf(HasSubstr("booleans or an enumeration [20, 1, 1]"), HasSubstr("expected")));
  EXPECT_THAT(refused("opaque"), AllOf(HasSubstr("values of another type [20]"), HasSubstr("expected")));
  EXPECT_THAT(refused("text_unknown"), AllOf(HasSubstr("label \"eel\""), HasSubstr("none of its 2 classes")));
}

TEST_F(FeatureFile, AgreesWithH5pyBothWays) {
  write_example();
  fs::copy(path_, folder_ / "f32.h5");
  fs::remove(path_);
  write_example(FloatStorage::kFloat16);
  fs::copy(path_, folder_ / "f16.h5");
  std::string output;
  const int status = run_python("tests/store/h5py_features.py", folder_.path(), output);
  if (status == 77) GTEST_SKIP() << output;
  ASSERT_EQ(status, 0) << output;
  // The script wrote row i, column j as i + j / 8, N = 20, D = 6, labels i % 3, in many ways.
  for (const char* name : {"plain", "double", "half", "big_endian", "compressed", "fixed_texts", "column_labels"}) {
    const FeatureFileReader reader(folder_ / (std::string(name) + ".h5"));
    ASSERT_EQ(reader.rows(), 20) << name;
    std::vector<float> rows(20 * 6);
    reader.read(0, 20, rows.data());
    for (size_t i = 0; i < rows.size(); ++i) {
      const size_t row = i / 6;
      ASSERT_EQ(rows[i], static_cast<float>(row) + static_cast<float>(i % 6) / 8) << name;
    }
    ASSERT_EQ(reader.labels().size(), 20) << name;
    EXPECT_EQ(reader.labels()[19], 1) << name;
  }
  EXPECT_EQ(FeatureFileReader(folder_ / "fixed_texts.h5").paths().at(3), "3\xc3\xa4");
  EXPECT_EQ(FeatureFileReader(folder_ / "fixed_texts.h5").info().classes.at(2), "c");
  const FeatureFileReader renamed(folder_ / "renamed.h5", "group/X", "y");
  EXPECT_EQ(renamed.labels().at(19), 1);
  for (const char* padding : {"zeros", "spaces"}) {
    const FeatureFileInfo info =
        FeatureFileReader(folder_ / (std::string("fixed_attributes_") + padding + ".h5")).info();
    EXPECT_EQ(info.model_sha256, std::string(64, 'a')) << padding;
    EXPECT_EQ(info.preprocessing, R"({"resize":"area"})") << padding;
  }
  expect_labels_of_other_programs();
  EXPECT_THAT([&] { FeatureFileReader(folder_ / "unwritten.h5"); },
              ThrowsMessage<FileError>(HasSubstr("never all written")));
  EXPECT_THAT([&] { FeatureFileReader(folder_ / "large_labels.h5"); },
              ThrowsMessage<FileError>(HasSubstr("label 4294967296 of row 0")));
}

}  // namespace
}  // namespace dcgan::test
