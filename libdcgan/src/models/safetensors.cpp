#include "dcgan/safetensors.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/foreign_file.h"
#include "base/half.h"
#include "dcgan/errors.h"
#include "models/safetensors_header.h"

namespace dcgan {
namespace {

// https://github.com/huggingface/safetensors: 8 bytes length of the header (little-endian), the header (JSON), the
// data.
constexpr int64_t kLengthBytes = 8;
constexpr int64_t kMaximumHeader = 100'000'000;  // the reference implementation's MAX_HEADER_SIZE
constexpr size_t kAlignment = 8;                 // of the first byte of data in the file

struct DTypeFacts {
  DType dtype;
  const char* name;
  int64_t size;
};
constexpr DTypeFacts kDTypes[] = {
    {DType::kInt64, "I64", 8}, {DType::kFloat32, "F32", 4}, {DType::kFloat16, "F16", 2}, {DType::kUint8, "U8", 1}};

// All that the format knows and whose elements are whole bytes: serialization of the reference implementation.
constexpr struct {
  const char* name;
  int64_t size;
} kSizes[] = {{"F64", 8}, {"I64", 8}, {"U64", 8},     {"F32", 4},     {"I32", 4}, {"U32", 4}, {"F16", 2}, {"BF16", 2},
              {"I16", 2}, {"U16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I8", 1},  {"U8", 1},  {"BOOL", 1}};

const DTypeFacts& facts(DType dtype) {
  return *std::find_if(std::begin(kDTypes), std::end(kDTypes), [&](const auto& f) { return f.dtype == dtype; });
}

/// Bytes of a tensor. @return false if a size is negative, or the product (without zeros) does not fit in 64 bits.
bool byte_count(const std::vector<int64_t>& shape, int64_t item_size, int64_t& bytes) {
  bytes = item_size;
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0 || (size > 0 && bytes > INT64_MAX / size)) return false;
    empty = empty || size == 0;
    if (size > 0) bytes *= size;
  }
  if (empty) bytes = 0;
  return true;
}

std::string quoted(const std::string& name) { return "tensor \"" + name + "\""; }

/// Other kinds of file that are taken for a model now and then, by their first bytes. Empty: none of them.
std::string other_kind(const uint8_t* bytes) {
  const auto begins = [bytes](std::string_view start) { return std::memcmp(bytes, start.data(), start.size()) == 0; };
  constexpr uint8_t kPickle = 0x80;  // its second byte is the version of the protocol
  if (begins("PK\x03\x04") || (bytes[0] == kPickle && bytes[1] >= 2 && bytes[1] <= 5)) {
    return "is a file of PyTorch; dcgan-convert state-dict makes a model file of it.";
  }
  if (begins("\x89HDF\r\n\x1a\n")) {
    return "is an HDF5 file and no model file; dcgan-extract info says what is in features, dcgan-prepare info what is "
           "in packed images.";
  }
  return "";
}

nlohmann::json parse_header(const std::string& path, const std::string& text) {
  // The parser would let the last of two equal keys win; the format forbids them.
  std::vector<std::set<std::string>> keys;
  const auto callback = [&](int /*depth*/, nlohmann::json::parse_event_t event, const nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get<std::string>()).second) {
      throw FileError(path, "names \"" + value.get<std::string>() + "\" twice in its header.");
    }
    if (keys.size() > 3) throw FileError(path, "header is nested too deeply.");
    return true;
  };
  try {
    nlohmann::json header = nlohmann::json::parse(text, callback);
    if (header.is_object()) return header;
  } catch (const nlohmann::json::exception&) {  // reported below
  }
  throw FileError(path, "header is no JSON object; this is no safetensors file, or it is damaged.");
}

models::SafetensorsEntry parse_entry(const std::string& path, const std::string& name, const nlohmann::json& entry,
                                     int64_t data_bytes) {
  const auto fail = [&](const auto&... problem) { throw FileError(path, quoted(name), " ", problem..., "."); };
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    fail("must have exactly dtype, shape and data_offsets");
  }
  const nlohmann::json& dtype = entry["dtype"];
  const auto known = std::find_if(std::begin(kSizes), std::end(kSizes), [&](const auto& s) { return dtype == s.name; });
  if (known == std::end(kSizes)) fail("has dtype " + dtype.dump() + "; known ones are F32, F16, I64, U8");

  const auto is_size = [](const nlohmann::json& j) {
    return j.is_number_unsigned() && j.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX);
  };
  const nlohmann::json& shape = entry["shape"];
  if (!shape.is_array() || shape.size() > 16 || !std::all_of(shape.begin(), shape.end(), is_size)) {
    fail("has the shape " + shape.dump().substr(0, 80) + "; expected up to 16 sizes");
  }
  const nlohmann::json& offsets = entry["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !std::all_of(offsets.begin(), offsets.end(), is_size)) {
    fail("has the data_offsets " + offsets.dump().substr(0, 80) + "; expected begin and end");
  }
  const models::SafetensorsEntry result{known->name, shape.get<std::vector<int64_t>>(), offsets[0].get<int64_t>(),
                                        offsets[1].get<int64_t>()};
  if (result.begin > result.end || result.end > data_bytes) {
    fail("lies at bytes ", result.begin, " to ", result.end, " of the data, which are ", data_bytes,
         "; the file is cut short or damaged");
  }
  int64_t bytes = 0;
  if (!byte_count(result.shape, known->size, bytes) || bytes != result.end - result.begin) {
    fail("has ", result.end - result.begin, " bytes, which do not fit its shape ", shape.dump());
  }
  return result;
}

uint64_t header_length(const base::File& file) {
  uint64_t length = 0;
  file.read_at(0, &length, sizeof length);
  return length;
}

}  // namespace

std::vector<float> StoredTensor::to_floats() const {
  if (dtype != DType::kFloat32 && dtype != DType::kFloat16) {
    throw Error("a tensor of dtype ", facts(dtype).name, " was read where floats were expected.");
  }
  std::vector<float> values(bytes.size() / static_cast<size_t>(facts(dtype).size));
  if (dtype == DType::kFloat32) {
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  } else {
    base::halves_to_floats(reinterpret_cast<const uint16_t*>(bytes.data()), static_cast<int64_t>(values.size()),
                           values.data());
  }
  return values;
}

StoredTensor make_tensor(std::vector<int64_t> shape, const std::vector<float>& values, DType dtype) {
  if (dtype != DType::kFloat32 && dtype != DType::kFloat16) throw Error("make_tensor makes float32 and float16 only.");
  const auto count = static_cast<int64_t>(values.size());
  const int64_t item_size = facts(dtype).size;
  int64_t bytes = 0;
  if (!byte_count(shape, item_size, bytes) || bytes != count * item_size) {
    throw Error("make_tensor was given ", count, " values, which do not fit the shape.");
  }
  StoredTensor tensor{dtype, std::move(shape), std::vector<std::byte>(bytes)};
  if (dtype == DType::kFloat16) {
    base::floats_to_halves(values.data(), count, reinterpret_cast<uint16_t*>(tensor.bytes.data()));
  } else if (count > 0) {
    std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  }
  return tensor;
}

namespace models {

bool is_safetensors(const base::File& file) {
  const int64_t rest = file.size() - kLengthBytes;
  char first = 0;
  if (rest < 2 || header_length(file) > static_cast<uint64_t>(std::min(rest, kMaximumHeader))) return false;
  file.read_at(kLengthBytes, &first, 1);
  return first == '{';
}

SafetensorsHeader read_safetensors_header(const base::File& file) {
  const std::string& path = file.path();
  const int64_t file_bytes = file.size();
  if (file_bytes < kLengthBytes) {
    refuse_foreign(path);
    throw FileError(path, file_bytes, " bytes; a safetensors file has at least 8.");
  }
  const uint64_t header_bytes = header_length(file);
  const int64_t rest = file_bytes - kLengthBytes;
  if (header_bytes > static_cast<uint64_t>(std::min(rest, kMaximumHeader))) {
    refuse_foreign(path);
    const std::string kind = other_kind(reinterpret_cast<const uint8_t*>(&header_bytes));
    if (!kind.empty()) throw FileError(path, kind);
    throw FileError(path, "its header claims ", header_bytes, " bytes, the file has ", file_bytes,
                    " and 100,000,000 are allowed; this is no model file (safetensors), or it is cut short.");
  }
  std::string text(header_bytes, '\0');
  file.read_at(kLengthBytes, text.data(), text.size());
  const nlohmann::json json = parse_header(path, text);

  SafetensorsHeader header;
  const int64_t data_begin = kLengthBytes + static_cast<int64_t>(header_bytes);
  const int64_t data_bytes = file_bytes - data_begin;
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") {
      const auto is_text = [](const nlohmann::json& value) { return value.is_string(); };
      if (!entry.is_object() || !std::all_of(entry.begin(), entry.end(), is_text)) {
        throw FileError(path, "__metadata__ must hold texts only.");
      }
      header.metadata = entry.get<std::map<std::string, std::string>>();
    } else {
      header.entries[name] = parse_entry(path, name, entry, data_bytes);
    }
  }
  std::vector<std::pair<const std::string, SafetensorsEntry>*> places;
  for (auto& place : header.entries) places.push_back(&place);
  std::sort(places.begin(), places.end(), [](const auto* a, const auto* b) {
    return std::make_pair(a->second.begin, a->second.end) < std::make_pair(b->second.begin, b->second.end);
  });
  int64_t end = 0;
  for (auto* place : places) {
    auto& [name, entry] = *place;
    if (entry.begin != end) {
      throw FileError(path, quoted(name), " starts at byte ", entry.begin, " of the data; the one before it ends at ",
                      end, ".");
    }
    end = entry.end;
    entry.begin += data_begin;
    entry.end += data_begin;
  }
  if (end != data_bytes) {
    throw FileError(path, "has ", data_bytes, " bytes of data, its tensors fill ", end, "; the file is damaged.");
  }
  return header;
}

}  // namespace models

SafetensorsFile read_safetensors(const std::string& path) {
  const base::File file(path, O_RDONLY);
  const models::SafetensorsHeader header = models::read_safetensors_header(file);
  SafetensorsFile content;
  content.metadata = header.metadata;
  for (const auto& [name, entry] : header.entries) {  // checked before anything is allocated for them
    const auto known = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                    [&e = entry](const DTypeFacts& f) { return e.dtype == f.name; });
    if (known == std::end(kDTypes)) {
      throw FileError(path, quoted(name), " has dtype \"", entry.dtype,
                      "\"; known ones are F32, F16, I64, U8; dcgan-convert state-dict reads others, too.");
    }
    content.tensors[name] = {known->dtype, entry.shape, {}};
  }
  for (const auto& [name, entry] : header.entries) {
    std::vector<std::byte>& bytes = content.tensors[name].bytes;
    bytes.resize(entry.end - entry.begin);
    file.read_at(entry.begin, bytes.data(), bytes.size());
  }
  return content;
}

void write_safetensors(const std::string& path, const SafetensorsFile& file) {
  // Wide types first, names in byte order within a type: every tensor is aligned, and equal content gives equal bytes.
  std::vector<std::pair<const std::string*, const StoredTensor*>> order;
  for (const auto& [name, tensor] : file.tensors) order.emplace_back(&name, &tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return facts(a.second->dtype).size > facts(b.second->dtype).size;
  });
  nlohmann::json header = nlohmann::json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  int64_t end = 0;
  for (const auto& [name, tensor] : order) {
    const auto size = static_cast<int64_t>(tensor->bytes.size());
    int64_t bytes = 0;
    if (*name == "__metadata__" || !byte_count(tensor->shape, facts(tensor->dtype).size, bytes) || bytes != size) {
      throw FileError(path, quoted(*name), " cannot be written: its bytes do not fit its shape.");
    }
    header[*name] = {
        {"dtype", facts(tensor->dtype).name}, {"shape", tensor->shape}, {"data_offsets", {end, end + size}}};
    end += size;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw FileError(path, "cannot be written: a tensor's name or the metadata is no valid UTF-8.");
  }
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  if (static_cast<int64_t>(text.size()) > kMaximumHeader)
    throw FileError(path, "its header would exceed 100,000,000 bytes.");

  base::write_whole_file(path, [&](const base::File& out) {
    const uint64_t header_bytes = text.size();
    out.write_at(0, &header_bytes, sizeof header_bytes);
    out.write_at(kLengthBytes, text.data(), text.size());
    auto offset = kLengthBytes + static_cast<int64_t>(text.size());
    for (const auto& [name, tensor] : order) {
      out.write_at(offset, tensor->bytes.data(), tensor->bytes.size());
      offset += static_cast<int64_t>(tensor->bytes.size());
    }
  });
}

}  // namespace dcgan
