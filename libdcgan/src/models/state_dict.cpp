#include "dcgan/state_dict.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/foreign_file.h"
#include "dcgan/errors.h"
#include "models/pickle.h"
#include "models/safetensors_header.h"
#include "models/shapes.h"
#include "models/zip_file.h"

namespace dcgan {
namespace {

using models::Pickle;
using models::PickleValue;
using Kind = PickleValue::Kind;
using models::product;
using models::Shape;
using models::shape_text;

// Limits on what a hostile file can make of a small pickle whose dictionaries hold each other.
constexpr int64_t kMaximumPickle = int64_t{16} << 20;  // bytes; a tensor takes about 200
constexpr size_t kMaximumDepth = 64;
constexpr size_t kMaximumContainers = 100'000;  // dictionaries, lists and tensors
constexpr size_t kMaximumItems = 10'000'000;    // of these
constexpr size_t kMaximumName = 500;

// PyTorch before 1.6: pickles one behind the other, of a number, the version of the format, the machine, what was
// saved, and the keys of the storages, which follow. torch/serialization.py, _legacy_save.
constexpr std::string_view kLegacyBegins = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e";

struct ElementType {
  std::string_view storage;      ///< as a pickle names it
  std::string_view safetensors;  ///< as safetensors name it
  const char* dtype;
  int64_t size;  ///< bytes of an element
};
constexpr ElementType kElementTypes[] = {
    {"torch\nFloatStorage", "F32", "float32", 4},      {"torch\nHalfStorage", "F16", "float16", 2},
    {"torch\nBFloat16Storage", "BF16", "bfloat16", 2}, {"torch\nDoubleStorage", "F64", "float64", 8},
    {"torch\nLongStorage", "I64", "int64", 8},         {"torch\nIntStorage", "I32", "int32", 4},
    {"torch\nShortStorage", "I16", "int16", 2},        {"torch\nCharStorage", "I8", "int8", 1},
    {"torch\nByteStorage", "U8", "uint8", 1},          {"torch\nBoolStorage", "BOOL", "bool", 1},
};

/// Where a tensor's elements lie.
struct Place {
  std::string storage;
  int64_t item_size;
  int64_t offset;  ///< in elements
  Shape strides;   ///< in elements
};

// "main.2" before "main.10": numbers in names by their value.
bool before_in_order_of_numbers(const std::string& a, const std::string& b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  size_t i = 0, k = 0;
  while (i < a.size() && k < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[k])) {
      if (a[i] != b[k]) return a[i] < b[k];
      ++i, ++k;
      continue;
    }
    const auto number = [&](const std::string& text, size_t& at) {
      const size_t first = text.find_first_not_of('0', at);
      const size_t begin = std::min(first, text.size());
      at = begin;
      while (at < text.size() && is_digit(text[at])) ++at;
      return text.substr(begin, at - begin);
    };
    const std::string left = number(a, i), right = number(b, k);
    if (left.size() != right.size()) return left.size() < right.size();
    if (left != right) return left < right;
  }
  return a.size() - i < b.size() - k;
}

// Elements in row-major order.
std::vector<std::byte> gather(const std::string& bytes, const Place& place, const Shape& shape) {
  const auto item = static_cast<size_t>(place.item_size);
  std::vector<std::byte> result(static_cast<size_t>(product(shape)) * item);
  Shape index(shape.size());
  int64_t from = place.offset;
  for (size_t to = 0; to < result.size(); to += item) {
    std::memcpy(result.data() + to, bytes.data() + static_cast<size_t>(from) * item, item);
    for (size_t k = shape.size(); k-- > 0;) {
      from += place.strides[k];
      if (++index[k] < shape[k]) break;
      from -= shape[k] * place.strides[k];
      index[k] = 0;
    }
  }
  return result;
}

// Elements as another type, float for example.
template <class From, class Convert>
auto converted(const std::vector<std::byte>& bytes, Convert convert) {
  std::vector<decltype(convert(From()))> values(bytes.size() / sizeof(From));
  for (size_t i = 0; i < values.size(); ++i) {
    From element;
    std::memcpy(&element, bytes.data() + i * sizeof(From), sizeof(From));
    values[i] = convert(element);
  }
  return values;
}

float float_of_bfloat16(uint16_t half) {
  const uint32_t bits = uint32_t{half} << 16;
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

struct StateDictReader::Impl {
  Impl(const std::string& name, std::vector<std::pair<std::string, StoredTensor>> given) : path(name) {
    for (auto& [tensor_name, tensor] : given) {
      const auto next = static_cast<int64_t>(tensors.size());
      const char* const dtype = tensor.dtype == DType::kFloat16 ? "float16" : "float32";
      tensors.emplace(tensor_name, Tensor{dtype, tensor.shape, next});
      stored.emplace(tensor_name, std::move(tensor));
    }
  }

  explicit Impl(const std::string& name) : path(name), opened(std::make_unique<base::File>(path, O_RDONLY)) {
    base::File& file = *opened;
    std::string start(static_cast<size_t>(std::min<int64_t>(file.size(), 64)), '\0');
    file.read_at(0, start.data(), start.size());
    if (start.compare(0, kLegacyBegins.size(), kLegacyBegins) == 0) {
      open_legacy();
    } else if (models::is_safetensors(file)) {
      open_safetensors();
    } else {
      refuse_foreign(path);
      open_zip();
    }
  }

  void open_zip() {
    const auto zip = std::make_shared<models::ZipFile>(path);
    const std::string pickle_name = pickle_in(*zip);
    const std::string folder = pickle_name.substr(0, pickle_name.rfind('/') + 1);
    if (zip->has(folder + "byteorder") && zip->read(folder + "byteorder") != "little") fail_big_endian();
    if (zip->size(pickle_name) > kMaximumPickle) {
      throw FileError(path, "its pickle has ", zip->size(pickle_name),
                      " bytes; that of a state_dict has at most 16 MiB.");
    }
    prefix = folder + "data/";
    for (const std::string& entry : zip->names()) storages[entry] = zip->size(entry);
    read_storage = [zip](const std::string& entry) { return zip->read(entry); };
    const std::string bytes = zip->read(pickle_name);
    naming_the_file([&] { collect_all(Pickle(bytes)); });
  }

  std::string pickle_in(const models::ZipFile& zip) const {
    std::string found;
    for (const std::string& name : zip.names()) {
      const size_t slash = name.find('/');
      const std::string inner = slash == std::string::npos ? "" : name.substr(slash);
      if (inner == "/constants.pkl") {
        throw FileError(path,
                        "is TorchScript (torch.jit.save), a program; save its weights in Python: "
                        "torch.save(torch.jit.load(FILE).state_dict(), OTHER).");
      }
      if (inner == "/data.pkl") found = name;
    }
    if (!found.empty()) return found;
    if (zip.has("model.weights.h5")) throw FileError(path, "is a model of Keras 3; its name must end in .keras.");
    throw FileError(path, "holds no data.pkl; expected a file that torch.save() wrote.");
  }

  void open_legacy() {
    base::File& file = *opened;
    std::string head(static_cast<size_t>(std::min(file.size(), 2 * kMaximumPickle)), '\0');
    file.read_at(0, head.data(), head.size());
    naming_the_file([&] {
      std::string_view rest = std::string_view(head).substr(kLegacyBegins.size());
      const auto next = [&rest] {
        Pickle values(rest);
        rest.remove_prefix(values.bytes());
        return values;
      };
      const Pickle version = next();
      const Pickle machine = next();
      const std::vector<size_t>& facts = machine.root().items;
      for (size_t i = 0; machine.root().kind == Kind::kDictionary && i + 1 < facts.size(); i += 2) {
        if (machine[facts[i]].text == "little_endian" && machine[facts[i + 1]].integer == 0) fail_big_endian();
      }
      const Pickle values = next();
      const Pickle keys = next();
      if (keys.root().kind != Kind::kList) throw Error("its storages have no list of keys; it is damaged.");
      find_legacy_storages(values, keys, static_cast<int64_t>(head.size() - rest.size()));
      collect_all(values);
    });
  }

  // Each is the number of its elements, in 8 bytes, and these.
  void find_legacy_storages(const Pickle& values, const Pickle& keys, int64_t at) {
    base::File& file = *opened;
    std::map<std::string_view, int64_t> item_sizes;
    for (const PickleValue& storage : values.all()) {
      if (storage.kind != Kind::kStorage) continue;
      const ElementType* type = element_type(values[storage.items[1]]);
      if (type != nullptr) item_sizes[values[storage.items[2]].text] = type->size;
    }
    std::map<std::string, int64_t> begins;
    for (const size_t item : keys.root().items) {
      const std::string_view key = keys[item].text;
      const auto known = item_sizes.find(key);
      if (known == item_sizes.end()) throw Error("its storage \"", models::printable(key), "\" is of no known type.");
      int64_t elements = 0;
      file.read_at(at, &elements, sizeof elements);
      at += static_cast<int64_t>(sizeof elements);
      if (elements < 0 || elements > (file.size() - at) / known->second) {
        throw Error("its storage \"", models::printable(key), "\" claims ", elements,
                    " elements; the file is cut short.");
      }
      begins[std::string(key)] = at;
      storages[std::string(key)] = elements * known->second;
      at += elements * known->second;
    }
    read_storage = [this, begins](const std::string& key) {
      std::string bytes(static_cast<size_t>(storages.at(key)), '\0');
      opened->read_at(begins.at(key), bytes.data(), bytes.size());
      return bytes;
    };
  }

  void open_safetensors() {
    base::File& file = *opened;
    const models::SafetensorsHeader header = models::read_safetensors_header(file);
    std::vector<std::string> names;
    for (const auto& [name, entry] : header.entries) names.push_back(name);
    std::sort(names.begin(), names.end(), before_in_order_of_numbers);
    std::map<std::string, int64_t> order;
    for (const std::string& name : names) order.emplace(name, static_cast<int64_t>(order.size()));
    for (const auto& [name, entry] : header.entries) {
      const auto* type = std::find_if(std::begin(kElementTypes), std::end(kElementTypes),
                                      [&e = entry](const ElementType& t) { return t.safetensors == e.dtype; });
      if (type == std::end(kElementTypes)) continue;
      Shape strides(entry.shape.size(), 1);
      for (size_t k = strides.size(); k-- > 1;) strides[k - 1] = strides[k] * entry.shape[k];
      tensors.emplace(name, Tensor{type->dtype, entry.shape, order.at(name)});
      places.emplace(name, Place{name, type->size, 0, strides});
    }
    read_storage = [this, header](const std::string& name) {
      const models::SafetensorsEntry& entry = header.entries.at(name);
      std::string bytes(static_cast<size_t>(entry.end - entry.begin), '\0');
      opened->read_at(entry.begin, bytes.data(), bytes.size());
      return bytes;
    };
  }

  [[noreturn]] void fail_big_endian() const {
    throw FileError(path, "was written on a big-endian machine; load it in PyTorch on this one and save it again.");
  }

  template <class Read>
  void naming_the_file(const Read& read) const {
    try {
      read();
    } catch (const FileError&) {
      throw;
    } catch (const Error& error) {
      throw FileError(path, error.what());
    }
  }

  static const ElementType* element_type(const PickleValue& type) {
    const auto* known = std::find_if(std::begin(kElementTypes), std::end(kElementTypes),
                                     [&](const ElementType& t) { return t.storage == type.text; });
    return type.kind == Kind::kGlobal && known != std::end(kElementTypes) ? known : nullptr;
  }

  void collect_all(const Pickle& values) {
    collect(values, values.root(), "", 0);
    if (!tensors.empty()) return;
    const PickleValue& root = values.root();
    switch (root.kind) {
      case Kind::kDictionary:
      case Kind::kList:
      case Kind::kTuple:
        return;
      case Kind::kObject:
        throw Error(
            "it holds an object of ", models::printable(root.text),
            ", whose tensors are not known; save model.state_dict() in Python: torch.save(model.state_dict(), ...).");
      default:
        throw Error("it holds no dictionary; expected torch.save(model.state_dict(), ...).");
    }
  }

  /// What holds tensors: dictionaries, lists, and modules, which hold theirs in dictionaries of known names.
  void collect(const Pickle& values, const PickleValue& value, const std::string& start, size_t depth) {
    if (depth == kMaximumDepth) throw Error("its dictionaries are nested too deeply.");
    const bool is_dictionary = value.kind == Kind::kDictionary;
    const bool is_list = value.kind == Kind::kList || value.kind == Kind::kTuple;
    if (value.kind == Kind::kTensor) add(values, value, start.substr(0, start.size() - 1));
    if (value.kind == Kind::kObject && !value.items.empty()) {
      const PickleValue& state = values[value.items[0]];
      for (const char* part : {"_parameters", "_buffers", "_modules"}) {
        const PickleValue* inner = item(values, state, part);
        if (inner != nullptr) collect(values, *inner, start, depth + 1);
      }
    }
    if (!is_dictionary && !is_list) return;
    const size_t step = is_dictionary ? 2 : 1;
    for (size_t i = 0; i + step <= value.items.size(); i += step) {
      if (++items == kMaximumItems) throw Error("it holds more than 10,000,000 items.");
      const PickleValue& inner = values[value.items[i + step - 1]];
      if (inner.kind < Kind::kTuple || inner.kind == Kind::kGlobal || inner.kind == Kind::kStorage) continue;
      if (++containers == kMaximumContainers) throw Error("it holds more than 100,000 items.");
      std::string name = std::to_string(i);
      if (is_dictionary) {
        const PickleValue& key = values[value.items[i]];
        if (key.kind != Kind::kText && key.kind != Kind::kInteger) continue;
        name = key.kind == Kind::kText ? std::string(key.text.substr(0, kMaximumName)) : std::to_string(key.integer);
      }
      name = start + name;
      if (name.size() >= kMaximumName) throw Error("a name is longer than 500 bytes.");
      collect(values, inner, name + ".", depth + 1);
    }
  }

  static const PickleValue* item(const Pickle& values, const PickleValue& dictionary, std::string_view key) {
    if (dictionary.kind != Kind::kDictionary) return nullptr;
    for (size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
      if (values[dictionary.items[i]].text == key) return &values[dictionary.items[i + 1]];
    }
    return nullptr;
  }

  void add(const Pickle& values, const PickleValue& value, const std::string& name) {
    const auto fail = [&](const auto&... what) { throw Error("tensor \"", name, "\" ", what..., "."); };
    const PickleValue& storage = values[value.items[0]];
    if (storage.kind != Kind::kStorage) fail("has no storage");
    const PickleValue& type = values[storage.items[1]];
    const PickleValue& key = values[storage.items[2]];
    const PickleValue& elements = values[storage.items[4]];
    const ElementType* known = element_type(type);
    if (known == nullptr) return;  // complex, quantised, 8-bit floats: no weights of a DCGAN
    if (key.kind != Kind::kText || elements.kind != Kind::kInteger) fail("has a storage without name or size");

    const Shape shape = sizes(values, value.items[2], name);
    Place place{prefix + std::string(key.text), known->size, 0, sizes(values, value.items[3], name)};
    if (place.strides.size() != shape.size()) fail("has another number of strides than of sizes");
    const auto there = storages.find(place.storage);
    if (there == storages.end()) fail("lies in " + place.storage + ", which is missing");
    const int64_t count = elements.integer;
    if (count < 0 || count > INT64_MAX / 8 || count * known->size != there->second) {
      fail("lies in ", place.storage, " of ", there->second, " bytes; expected ", count, " elements of ", known->dtype);
    }
    const PickleValue& offset = values[value.items[1]];
    if (offset.kind != Kind::kInteger || offset.integer < 0 || offset.integer > count) fail("has a wrong offset");
    place.offset = offset.integer;
    // Nothing overflows: the last element's place and the number of elements are compared with the storage's size at
    // each factor. A tensor with more elements than its storage is an expanded view, which no layer keeps.
    for (size_t k = 0; k < shape.size(); ++k) {
      if (shape[k] > 1 && place.strides[k] == 0) return;
    }
    int64_t last = place.offset;
    int64_t product = 1;
    const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
    for (size_t k = 0; k < shape.size() && !empty; ++k) {
      const int64_t steps = shape[k] - 1;
      const bool fits = product <= count / shape[k] && (steps == 0 || place.strides[k] <= (count - last) / steps);
      if (!fits) fail("of shape ", shape_text(shape), " does not fit in its storage of ", count);
      if (steps == 0) place.strides[k] = 0;  // it may be anything, and is never gone along
      last += steps * place.strides[k];
      product *= shape[k];
    }
    if (!empty && last >= count) fail("of shape " + shape_text(shape) + " ends behind its storage");
    const auto next = static_cast<int64_t>(tensors.size());
    if (!tensors.emplace(name, Tensor{known->dtype, shape, next}).second)
      throw Error("\"" + name + "\" stands there twice.");
    places.emplace(name, std::move(place));
  }

  static Shape sizes(const Pickle& values, size_t index, const std::string& name) {
    const PickleValue& tuple = values[index];
    Shape result;
    bool good = tuple.kind == Kind::kTuple && tuple.items.size() <= 16;
    for (size_t i = 0; good && i < tuple.items.size(); ++i) {
      const PickleValue& size = values[tuple.items[i]];
      good = size.kind == Kind::kInteger && size.integer >= 0;
      result.push_back(size.integer);
    }
    if (!good) throw Error("tensor \"", name, "\" has a shape or strides that are no tuple of sizes.");
    return result;
  }

  std::string path;
  std::map<std::string, StoredTensor> stored;  ///< what another reader gave, instead of a file
  std::unique_ptr<base::File> opened;
  std::string prefix;                       ///< of the keys in `storages`
  std::map<std::string, int64_t> storages;  ///< bytes
  std::function<std::string(const std::string& storage)> read_storage;
  std::map<std::string, Tensor> tensors;
  std::map<std::string, Place> places;
  size_t items = 0, containers = 0;
};

StateDictReader::StateDictReader(const std::string& path) : impl_(std::make_unique<Impl>(path)) {}
StateDictReader::StateDictReader(const std::string& path, std::vector<std::pair<std::string, StoredTensor>> tensors)
    : impl_(std::make_unique<Impl>(path, std::move(tensors))) {}
StateDictReader::~StateDictReader() = default;
StateDictReader::StateDictReader(StateDictReader&&) noexcept = default;
StateDictReader& StateDictReader::operator=(StateDictReader&&) noexcept = default;

const std::string& StateDictReader::path() const { return impl_->path; }
std::string StateDictReader::file_name() const { return path().substr(path().rfind('/') + 1); }
const std::map<std::string, StateDictReader::Tensor>& StateDictReader::tensors() const { return impl_->tensors; }

StoredTensor StateDictReader::read(const std::string& name) const {
  const Tensor& tensor = impl_->tensors.at(name);
  const auto given = impl_->stored.find(name);
  if (given != impl_->stored.end()) return given->second;
  const Place& place = impl_->places.at(name);
  std::vector<std::byte> bytes = gather(impl_->read_storage(place.storage), place, tensor.shape);
  const auto integers = [&](const std::vector<int64_t>& values) {
    std::vector<std::byte> wide(values.size() * sizeof(int64_t));
    if (!wide.empty()) std::memcpy(wide.data(), values.data(), wide.size());
    return StoredTensor{DType::kInt64, tensor.shape, std::move(wide)};
  };
  const auto as_it_is = [](auto value) { return int64_t{value}; };
  if (tensor.dtype == "bfloat16") return make_tensor(tensor.shape, converted<uint16_t>(bytes, float_of_bfloat16));
  if (tensor.dtype == "float64") {
    return make_tensor(tensor.shape, converted<double>(bytes, [](double v) { return static_cast<float>(v); }));
  }
  if (tensor.dtype == "int32") return integers(converted<int32_t>(bytes, as_it_is));
  if (tensor.dtype == "int16") return integers(converted<int16_t>(bytes, as_it_is));
  if (tensor.dtype == "int8") return integers(converted<int8_t>(bytes, as_it_is));
  const DType dtype = tensor.dtype == "float32"   ? DType::kFloat32
                      : tensor.dtype == "float16" ? DType::kFloat16
                      : tensor.dtype == "int64"   ? DType::kInt64
                                                  : DType::kUint8;
  return {dtype, tensor.shape, std::move(bytes)};
}

}  // namespace dcgan
