#include "dcgan/npy_file.h"

#include <gmock/gmock.h>

#include <fstream>

#include "dcgan/errors.h"
#include "tests/support/bytes_of.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Npy : public ::testing::Test {
 protected:
  /// The message of the refusal, which must name the file.
  static std::string refusal(const std::string& path) {
    try {
      read_npy(path);
    } catch (const FileError& error) {
      EXPECT_THAT(error.what(), StartsWith(path + ": "));
      return error.what();
    }
    return "accepted";
  }
  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  std::string refusal_of(const std::string& bytes) const {
    write(bytes);
    return refusal(path_);
  }
  /// A file of format 1 with this header and `data_bytes` zeros.
  static std::string file_of(const std::string& header, size_t data_bytes) {
    std::string bytes = "\x93NUMPY\x01";
    bytes += '\0';
    bytes += static_cast<char>(header.size() % 256);
    bytes += static_cast<char>(header.size() / 256);
    return bytes + header + std::string(data_bytes, '\0');
  }
  std::string refusal_of(const std::string& header, size_t data_bytes) const {
    return refusal_of(file_of(header, data_bytes));
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "x.npy";
};

constexpr const char* kGood = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n";

TEST_F(Npy, ReadsTheThreeFormatsThatNumPyWrites) {
  std::string output;
  const int status = run_python("tests/models/numpy_arrays.py", folder_.path(), output);
  if (status == 77) GTEST_SKIP() << output;
  ASSERT_EQ(status, 0) << output;
  for (const char* name : {"version1.npy", "version2.npy", "version3.npy"}) {
    const NpyArray array = read_npy(folder_ / name);
    EXPECT_THAT(array.shape, ElementsAre(2, 3, 4)) << name;
    ASSERT_THAT(array.values, SizeIs(24)) << name;
    for (size_t i = 0; i < 24; ++i) EXPECT_EQ(array.values[i], static_cast<float>(i) / 8 - 1) << name;
  }
  EXPECT_THAT(read_npy(folder_ / "scalar.npy").shape, ElementsAre());
  EXPECT_THAT(read_npy(folder_ / "scalar.npy").values, ElementsAre(7));
  EXPECT_THAT(read_npy(folder_ / "vector.npy").shape, ElementsAre(4));
  EXPECT_THAT(read_npy(folder_ / "empty.npy").shape, ElementsAre(0, 3, 4));
  EXPECT_THAT(read_npy(folder_ / "empty.npy").values, ElementsAre());
  EXPECT_THAT(refusal(folder_ / "fortran.npy"), AllOf(HasSubstr("fortran_order True"), HasSubstr("C order")));
  for (const char* dtype : {"f8", "f2", "i4", "c8"}) {
    EXPECT_THAT(refusal(folder_ / (std::string(dtype) + ".npy")),
                AllOf(HasSubstr("'<" + std::string(dtype) + "'"), HasSubstr("expected '<f4'")));
  }
  EXPECT_THAT(refusal(folder_ / "f4big.npy"), HasSubstr("'>f4'"));
  EXPECT_THAT(refusal(folder_ / "u1.npy"), HasSubstr("'|u1'"));
  EXPECT_THAT(refusal(folder_ / "object.npy"), HasSubstr("'|O'"));
  EXPECT_THAT(refusal(folder_ / "record.npy"), HasSubstr("in its header"));
}

TEST_F(Npy, KeysMayStandInAnyOrderAndEitherQuotes) {
  write(file_of(R"({"shape":(2,3),"descr":"<f4","fortran_order":False})", 24));
  EXPECT_THAT(read_npy(path_).shape, ElementsAre(2, 3));
}

TEST_F(Npy, CutShortAnywhereOrOneByteTooLongAreRefused) {
  const std::string whole = file_of(kGood, 24);
  EXPECT_EQ(refusal_of(whole), "accepted");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(refusal_of(whole.substr(0, length)), "accepted") << length;
  }
  EXPECT_THAT(refusal_of(whole + "x"), AllOf(HasSubstr("25 bytes"), HasSubstr("(2, 3)"), HasSubstr("fetch it again")));
}

TEST_F(Npy, AHeaderLongerThanTheFileIsRefusedBeforeItIsRead) {
  std::string bytes = "\x93NUMPY\x02";
  bytes += std::string("\0\xff\xff\xff\xff", 5) + kGood;
  EXPECT_THAT(refusal_of(bytes), AllOf(HasSubstr("4294967295 bytes"), HasSubstr("cut short")));
}

TEST_F(Npy, ShapesWhoseProductOverflowsAreRefused) {
  for (const char* shape : {"(4294967296, 4294967296)", "(4611686018427387905,)", "(9223372036854775807, 2, 2)",
                            "(2305843009213693954, 2, 2, 2)", "(3, 2305843009213693952, 8)"}) {
    EXPECT_THAT(refusal_of("{'descr': '<f4', 'fortran_order': False, 'shape': " + std::string(shape) + "}", 24),
                HasSubstr("do not make float32 "))
        << shape;
  }
  EXPECT_THAT(refusal_of("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)}", 24),
              HasSubstr("no tuple of sizes"));
}

TEST_F(Npy, RefusesEveryWrongHeader) {
  const std::string start = "{'descr': '<f4', 'fortran_order': False, ";
  EXPECT_THAT(refusal_of(start + "'shape': (-2, 3)}", 24), HasSubstr("no tuple of sizes"));
  EXPECT_THAT(refusal_of(start + "'shape': (2 3)}", 24), HasSubstr("')' is missing"));
  EXPECT_THAT(refusal_of(start + "'shape': [2, 3]}", 24), HasSubstr("'(' is missing"));
  EXPECT_THAT(refusal_of(start + "'shape': (2, 3)", 24), HasSubstr("'}' is missing"));
  EXPECT_THAT(refusal_of(start + "'shape': (2, 3)} + 1", 24), HasSubstr("text follows"));
  EXPECT_THAT(refusal_of(start + "}", 4), HasSubstr("shape is missing"));
  EXPECT_THAT(refusal_of(start + "'shape': (2, 3), 'shape': (2, 3)}", 24), HasSubstr("'shape' stands twice"));
  EXPECT_THAT(refusal_of(start + "'shape': (2, 3), 'x': 1}", 24), HasSubstr("key 'x' is unknown"));
  EXPECT_THAT(refusal_of("{'descr", 24), HasSubstr("a string does not end"));
  EXPECT_THAT(refusal_of("", 24), HasSubstr("'{' is missing"));
  EXPECT_THAT(refusal_of("\x93NUMPY\x04" + std::string(100, ' ')), HasSubstr("NumPy format 4"));
  EXPECT_THAT(refusal_of(std::string(100, ' ')), HasSubstr("does not start with \\x93NUMPY"));
  EXPECT_THAT(refusal(folder_ / "none.npy"), HasSubstr("does not exist"));
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("no regular file"));
}

}  // namespace
}  // namespace dcgan::test
