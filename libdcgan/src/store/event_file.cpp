#include "store/event_file.h"

#include <fcntl.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/protobuf.h"
#include "dcgan/errors.h"

namespace dcgan::store {
namespace {

// CRC-32C (Castagnoli), reflected; RFC 3720, appendix B.4.
constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    table[i] = crc;
  }
  return table;
}

// Masked as in tensorflow/core/lib/hash/crc32c.h.
uint32_t masked_crc(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = crc_table();
  uint32_t crc = ~0U;
  for (const char byte : bytes) crc = kTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFF] ^ (crc >> 8);
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

template <class T>
std::string little_endian(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

using Message = base::ProtobufMessage;

// tensorflow.Event: wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7.
Message event(int64_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return Message().add(1, std::chrono::duration<double>(now).count()).add(2, step);
}

// tensorflow.Summary: value = 1, of tag = 1 and a scalar = 2 or an image = 4.
template <class Content>
std::string summary(int64_t step, std::string_view tag, int field, const Content& content) {
  const Message value = Message().add(1, std::string(tag)).add(field, content);
  return event(step).add(5, Message().add(1, value)).bytes();
}

constexpr const char* kPrefix = "events.out.tfevents.";

}  // namespace

void remove_event_files(const std::string& folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().rfind(kPrefix, 0) == 0) found.push_back(entry.path());
  }
  for (const auto& path : found) std::filesystem::remove(path);
}

EventFile::EventFile(const std::string& folder, int64_t step) {
  // TensorBoard reads the files of a folder in the order of their names.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  file_ = base::File(text_of(folder, "/", kPrefix, microseconds), O_WRONLY | O_CREAT | O_EXCL);
  add(event(0).add(3, std::string("brain.Event:2")).bytes());
  constexpr int64_t kStart = 1;  // SessionLog.status
  add(event(step + 1).add(7, Message().add(1, kStart)).bytes());
}

void EventFile::add_scalar(int64_t step, std::string_view tag, double value) {
  add(summary(step, tag, 2, static_cast<float>(value)));
}

void EventFile::add_image(int64_t step, std::string_view tag, const std::string& png) {
  // tensorflow.Summary.Image: height = 1, width = 2, colorspace = 3, encoded_image_string = 4. A PNG's header has width
  // and height, big-endian, at bytes 16 and 20.
  const auto big_endian = [&](size_t at) {
    int64_t value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<uint8_t>(png.at(i));
    return value;
  };
  constexpr int64_t kRgb = 3;
  add(summary(step, tag, 4, Message().add(1, big_endian(20)).add(2, big_endian(16)).add(3, kRgb).add(4, png)));
}

void EventFile::add(const std::string& event) {
  const std::string length = little_endian(static_cast<uint64_t>(event.size()));
  const std::string record = length + little_endian(masked_crc(length)) + event + little_endian(masked_crc(event));
  file_.write_at(end_, record.data(), record.size());
  end_ += static_cast<int64_t>(record.size());
}

}  // namespace dcgan::store
