#include "dcgan/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "dcgan/errors.h"
#include "models/sha256.h"
#include "tests/support/bytes_of.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

SafetensorsFile example_file() {
  SafetensorsFile file;
  file.tensors["b"] = make_tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  file.tensors["a"] = make_tensor({3}, {0.5F, -1, 65504}, DType::kFloat16);
  file.tensors["bytes"] = {DType::kUint8, {5}, std::vector<std::byte>(5, std::byte{7})};
  file.tensors["empty"] = make_tensor({4, 0}, {});
  file.tensors["scalar"] = {DType::kInt64, {}, std::vector<std::byte>(8, std::byte{1})};
  file.metadata = {{"format", "test"}, {"text", "\"quoted\" \xc3\xa4"}};
  return file;
}

class Safetensors : public ::testing::Test {
 protected:
  /// A file of this header and `data_bytes` zeros.
  void write_raw(const std::string& header, size_t data_bytes) const {
    const uint64_t length = header.size();
    std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
    std::ofstream(path_, std::ios::binary) << bytes << header << std::string(data_bytes, '\0');
  }
  std::string refusal(const std::string& header, size_t data_bytes) const {
    write_raw(header, data_bytes);
    try {
      read_safetensors(path_);
    } catch (const FileError& error) {
      EXPECT_THAT(error.what(), StartsWith(path_ + ": "));
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "x.safetensors";
};

TEST_F(Safetensors, ReadsBackWhatWasWritten) {
  const SafetensorsFile written = example_file();
  write_safetensors(path_, written);
  const SafetensorsFile read = read_safetensors(path_);
  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (const auto& [name, tensor] : written.tensors) {
    EXPECT_EQ(read.tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(read.tensors.at(name).bytes, tensor.bytes) << name;
    EXPECT_EQ(read.tensors.at(name).dtype, tensor.dtype) << name;
  }
  EXPECT_THAT(read.tensors.at("a").to_floats(), ::testing::ElementsAre(0.5F, -1, 65504));
  EXPECT_THROW(read.tensors.at("bytes").to_floats(), Error);
}

TEST_F(Safetensors, EqualContentGivesEqualBytesAndAnAlignedStart) {
  write_safetensors(path_, example_file());
  const std::string first = bytes_of(path_);
  write_safetensors(path_, example_file());
  EXPECT_EQ(bytes_of(path_), first);
  uint64_t header = 0;
  std::memcpy(&header, first.data(), sizeof header);
  EXPECT_EQ(header % 8, 0);
  EXPECT_EQ(first[8], '{');
  EXPECT_EQ(first.size(), 8 + header + 8 + 24 + 6 + 5);
  EXPECT_FALSE(fs::exists(path_ + ".partial"));
}

TEST_F(Safetensors, CutShortAnywhereAreRefused) {
  write_safetensors(path_, example_file());
  for (auto length = static_cast<int64_t>(fs::file_size(path_)) - 1; length >= 0; --length) {
    fs::resize_file(path_, static_cast<uintmax_t>(length));
    EXPECT_THAT([&] { read_safetensors(path_); }, ThrowsMessage<FileError>(StartsWith(path_ + ": "))) << length;
  }
}

TEST_F(Safetensors, ALongerFileIsRefused) {
  write_safetensors(path_, example_file());
  std::ofstream(path_, std::ios::binary | std::ios::app) << 'x';
  EXPECT_THAT([&] { read_safetensors(path_); }, ThrowsMessage<FileError>(HasSubstr("its tensors fill")));
}

TEST_F(Safetensors, AHeaderLongerThanTheFileIsRefusedBeforeItIsRead) {
  for (const uint64_t length : {uint64_t{100'000'001}, uint64_t{1} << 63, ~uint64_t{0}, uint64_t{9}}) {
    std::ofstream(path_, std::ios::binary) << std::string(reinterpret_cast<const char*>(&length), 8) << "{}";
    EXPECT_THAT([&] { read_safetensors(path_); }, ThrowsMessage<FileError>(HasSubstr(std::to_string(length))));
  }
}

TEST_F(Safetensors, RefusesEveryWrongHeader) {
  const auto tensor = [](const std::string& name, const std::string& dtype, const std::string& shape,
                         const std::string& offsets) {
    return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  const std::string good = tensor("a", "F32", "[2]", "[0,8]");
  EXPECT_EQ(refusal("{" + good + "}", 8), "accepted");
  EXPECT_EQ(refusal("{" + good + "}   ", 8), "accepted") << "padded with spaces";
  EXPECT_EQ(refusal("{}", 0), "accepted");
  EXPECT_THAT(refusal("", 0), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("[]", 0), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("{" + good, 8), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("{" + good + "}x", 8), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(std::string(100000, '['), 0), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(R"({"a":{"b":{"c":{"d":{}}}}})", 0), HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal("{" + good + "," + good + "}", 8), HasSubstr("\"a\" twice"));
  EXPECT_THAT(refusal("{" + tensor("a", "F32", "[2]", "[8,16]") + "}", 16), HasSubstr("starts at byte 8"));
  EXPECT_THAT(refusal("{" + good + "," + tensor("b", "F32", "[2]", "[4,12]") + "}", 12), HasSubstr("starts at byte 4"));
  EXPECT_THAT(refusal("{" + good + "," + tensor("b", "F32", "[2]", "[0,8]") + "}", 8), HasSubstr("starts at byte 0"));
  EXPECT_THAT(refusal("{" + good + "}", 12), HasSubstr("its tensors fill 8"));
  EXPECT_THAT(refusal("{" + good + "}", 4), HasSubstr("cut short"));
  EXPECT_THAT(refusal("{" + tensor("a", "BF16", "[4]", "[0,8]") + "}", 8),
              AllOf(HasSubstr("\"a\""), HasSubstr("BF16")));
  EXPECT_THAT(refusal("{" + tensor("a", "F32", "[3]", "[0,8]") + "}", 8), HasSubstr("do not fit its shape [3]"));
  EXPECT_THAT(refusal("{" + tensor("a", "F32", "[-2]", "[0,8]") + "}", 8), HasSubstr("shape [-2]"));
  EXPECT_THAT(refusal("{" + tensor("a", "F32", "[2.0]", "[0,8]") + "}", 8), HasSubstr("shape [2.0]"));
  EXPECT_THAT(refusal("{" + tensor("a", "F32", "\"2\"", "[0,8]") + "}", 8), HasSubstr("shape"));
  EXPECT_THAT(refusal("{" + tensor("a", "F32", "[4294967296,4294967296]", "[0,0]") + "}", 0), HasSubstr("do not fit"));
  EXPECT_THAT(refusal("{" + tensor("a", "F32", "[0,9223372036854775807,9]", "[0,0]") + "}", 0),
              HasSubstr("do not fit"));
  EXPECT_THAT(refusal("{" + tensor("a", "F32", "[2]", "[8,0]") + "}", 8), HasSubstr("bytes 8 to 0"));
  EXPECT_THAT(refusal("{" + tensor("a", "F32", "[2]", "[0,18446744073709551615]") + "}", 8), HasSubstr("data_offsets"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2]}})", 8), HasSubstr("exactly dtype, shape and data_offsets"));
  EXPECT_THAT(refusal(R"({"a":7})", 0), HasSubstr("exactly"));
  EXPECT_THAT(refusal(R"({"__metadata__":{"a":1}})", 0), HasSubstr("texts only"));
}

TEST_F(Safetensors, WhatCannotBeWrittenIsRefused) {
  SafetensorsFile file = example_file();
  file.tensors["b"].shape = {7};
  EXPECT_THAT([&] { write_safetensors(path_, file); }, ThrowsMessage<FileError>(HasSubstr("\"b\"")));
  file = example_file();
  file.metadata["latin1"] = "\xe9";
  EXPECT_THAT([&] { write_safetensors(path_, file); }, ThrowsMessage<FileError>(HasSubstr("UTF-8")));
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  EXPECT_THROW(make_tensor({2}, {1, 2, 3}), Error);
  EXPECT_THROW(make_tensor({-1}, {1}), Error);
  EXPECT_THAT([&] { write_safetensors(folder_ / "none/x", example_file()); },
              ThrowsMessage<FileError>(HasSubstr("does not exist")));
}

TEST_F(Safetensors, Sha256IsThatOfFips180) {
  std::ofstream(path_, std::ios::binary) << "abc";  // FIPS 180-2, appendix B.1
  EXPECT_EQ(models::sha256_of_file(path_), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  std::ofstream(path_, std::ios::binary) << std::string(1000000, 'a');  // appendix B.3
  EXPECT_EQ(models::sha256_of_file(path_), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_THROW(models::sha256_of_file(folder_ / "none"), FileError);
}

}  // namespace
}  // namespace dcgan::test
