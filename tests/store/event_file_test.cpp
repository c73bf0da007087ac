// events_test.py reads what a training writes with TensorBoard; here are the bytes.
#include "store/event_file.h"

#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include "tests/support/bytes_of.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::store {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

/// CRC-32C by its definition (RFC 3720: the remainder of a division of polynomials), masked as TensorFlow does.
uint32_t masked_crc_of(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1) ^ 0x82F63B78U : crc >> 1;
  }
  crc ^= 0xFFFFFFFFU;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

template <class T>
T number_at(const std::string& bytes, size_t at) {
  T value{};
  std::memcpy(&value, bytes.substr(at, sizeof value).data(), sizeof value);
  return value;
}

/// The events of the folder's only file, whose checksums must be right.
std::vector<std::string> events_of(const std::string& folder) {
  std::vector<std::string> files, events;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  EXPECT_THAT(files, ElementsAre(HasSubstr("/events.out.tfevents.")));
  const std::string bytes = test::bytes_of(files.at(0));
  for (size_t at = 0; at < bytes.size();) {
    const auto length = number_at<uint64_t>(bytes, at);
    EXPECT_EQ(number_at<uint32_t>(bytes, at + 8), masked_crc_of(bytes.substr(at, 8)));
    events.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(number_at<uint32_t>(bytes, at + 12 + length), masked_crc_of(events.back()));
    at += 16 + length;
  }
  return events;
}

TEST(EventFile, HoldsRecordsWithTheirChecksumsAndValuesWithTheirStepsAndNames) {
  // RFC 3720, appendix B.4: 32 zeros, whose CRC-32C is 8A9136AA.
  EXPECT_EQ(masked_crc_of(std::string(32, '\0')), ((0x8A9136AAU >> 15) | (0x8A9136AAU << 17)) + 0xA282EAD8U);
  const test::TemporaryFolder folder;
  std::string png(24, '\0');
  png[18] = 1, png[19] = 44;  // 300 wide
  png[23] = 7;
  {
    EventFile file(folder.path(), 41);
    file.add_scalar(300, "loss", 0.75);
    file.add_image(5, "samples", png);
  }
  const std::vector<std::string> events = events_of(folder.path());
  ASSERT_THAT(events, SizeIs(4));
  for (const std::string& event : events) {
    EXPECT_EQ(event[0], '\x09') << "wall_time, a double";
    EXPECT_GT(number_at<double>(event, 1), 1.7e9) << "seconds since 1970";
  }
  const auto after_time = [&](size_t i) { return events[i].substr(9); };
  // Field 2 is the step, 3 the version, 7 a session's log whose field 1 is its status.
  EXPECT_EQ(after_time(0), std::string("\x10\0\x1a\x0d", 4) + "brain.Event:2");
  EXPECT_EQ(after_time(1), "\x10\x2a\x3a\x02\x08\x01") << "steps from 42 on count anew";
  // 300 = 0b10'0101100; field 5 a summary of one value, whose tag is 1 and whose number 2, a float.
  EXPECT_EQ(after_time(2), std::string("\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\0\0\x40\x3f", 18));
  // Or its picture 4: height, width, RGB, PNG.
  EXPECT_EQ(after_time(3), std::string("\x10\x05\x2a\x2e\x0a\x2c\x0a\x07samples\x22\x21", 17) +
                               "\x08\x07\x10\xac\x02\x18\x03\x22\x18" + png);
}

TEST(EventFile, RemovesThoseOfAnEarlierRunAndNoOtherFiles) {
  const test::TemporaryFolder folder;
  { EventFile file(folder.path(), 0); }
  { EventFile file(folder.path(), 0); }
  fs::create_directory(folder / "checkpoints");
  remove_event_files(folder.path());
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder.path())) left.push_back(entry.path().filename());
  EXPECT_THAT(left, ElementsAre("checkpoints"));
}

}  // namespace
}  // namespace dcgan::store
