#pragma once

#include <cstdint>
#include <string>

namespace dcgan::base {

/// A message of Protocol Buffers on the wire (protobuf.dev/programming-guides/encoding), little-endian as x86-64 is.
class ProtobufMessage {
 public:
  ProtobufMessage& add(int field, int64_t value) {
    put_key(field, 0);
    return put_varint(static_cast<uint64_t>(value));
  }
  ProtobufMessage& add(int field, double value) {
    put_key(field, 1);
    return put_raw(&value, sizeof value);
  }
  ProtobufMessage& add(int field, float value) {
    put_key(field, 5);
    return put_raw(&value, sizeof value);
  }
  ProtobufMessage& add(int field, const std::string& bytes) {
    put_key(field, 2);
    put_varint(bytes.size());
    bytes_ += bytes;
    return *this;
  }
  ProtobufMessage& add(int field, const ProtobufMessage& message) { return add(field, message.bytes_); }

  const std::string& bytes() const { return bytes_; }

 private:
  void put_key(int field, uint64_t wire_type) { put_varint(static_cast<uint64_t>(field) << 3 | wire_type); }
  ProtobufMessage& put_varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(0x80 | (value & 0x7f));
    bytes_ += static_cast<char>(value);
    return *this;
  }
  ProtobufMessage& put_raw(const void* data, size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    return *this;
  }

  std::string bytes_;
};

}  // namespace dcgan::base
