#include "dcgan/state_dict.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "models/model_tensors.h"
#include "models/pickle.h"
#include "models/zip_file.h"

namespace dcgan {
namespace {

using Kind = models::PickleValue::Kind;
using Shape = std::vector<int64_t>;

// Limits on what a hostile file can make of a small pickle whose dictionaries hold each other.
constexpr int64_t kMaximumPickle = int64_t{16} << 20;  // bytes; a tensor takes about 200
constexpr size_t kMaximumDepth = 16;
constexpr size_t kMaximumItems = 100'000;
constexpr size_t kMaximumName = 500;

constexpr double kModelEpsilon = 1e-8;  // of batch norm in our models: nn/networks.h, kBatchNormEpsilon

struct StorageType {
  std::string_view global;
  const char* dtype;
  int64_t size;  ///< bytes of an element
};
constexpr StorageType kStorageTypes[] = {
    {"torch\nFloatStorage", "float32", 4},     {"torch\nHalfStorage", "float16", 2},
    {"torch\nBFloat16Storage", "bfloat16", 2}, {"torch\nDoubleStorage", "float64", 8},
    {"torch\nLongStorage", "int64", 8},        {"torch\nByteStorage", "uint8", 1},
};

/// Where a tensor's elements lie.
struct Place {
  std::string entry;  ///< of the archive
  int64_t item_size;
  int64_t offset;  ///< in elements
  Shape strides;   ///< in elements
};

std::string shape_text(const Shape& shape) { return nlohmann::json(shape).dump(); }

// Of a shape that add() has accepted: where no size is 0, the product is at most the storage's.
int64_t product(const Shape& shape) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
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

// float32 of elements of another type.
template <class From, class Convert>
std::vector<float> to_floats(const std::vector<std::byte>& bytes, Convert convert) {
  std::vector<float> values(bytes.size() / sizeof(From));
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
  explicit Impl(const std::string& path) : zip(path) {
    const std::string pickle_name = find_pickle();
    prefix = pickle_name.substr(0, pickle_name.rfind('/') + 1);
    if (zip.has(prefix + "byteorder") && zip.read(prefix + "byteorder") != "little") {
      throw FileError(path, "was written on a big-endian machine; load it in PyTorch on this one and save it again.");
    }
    if (zip.size(pickle_name) > kMaximumPickle) {
      throw FileError(path, "its pickle has ", zip.size(pickle_name),
                      " bytes; that of a state_dict has at most 16 MiB.");
    }
    const std::string bytes = zip.read(pickle_name);
    try {
      const models::Pickle values(bytes);
      if (values.root().kind != Kind::kDictionary) {
        throw Error("it holds no dictionary; expected torch.save(model.state_dict(), ...).");
      }
      collect(values, values.root(), "", 0);
    } catch (const FileError&) {
      throw;
    } catch (const Error& error) {
      throw FileError(path, error.what());
    }
  }

  std::string find_pickle() const {
    for (const std::string& name : zip.names()) {
      const size_t slash = name.find('/');
      if (slash != std::string::npos && name.substr(slash) == "/data.pkl") return name;
    }
    throw FileError(zip.path(), "holds no data.pkl; expected a file that torch.save() wrote.");
  }

  void collect(const models::Pickle& values, const models::PickleValue& dictionary, const std::string& start,
               size_t depth) {
    if (depth == kMaximumDepth) throw Error("its dictionaries are nested too deeply.");
    for (size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
      if (++items == kMaximumItems) throw Error("it holds more than 100,000 items.");
      const models::PickleValue& key = values[dictionary.items[i]];
      const models::PickleValue& value = values[dictionary.items[i + 1]];
      if (value.kind != Kind::kTensor && value.kind != Kind::kDictionary) continue;
      if (key.kind != Kind::kText && key.kind != Kind::kInteger) throw Error("a key is neither text nor number.");
      const std::string name = start + (key.kind == Kind::kText ? std::string(key.text.substr(0, kMaximumName))
                                                                : std::to_string(key.integer));
      if (name.size() >= kMaximumName) throw Error("a name is longer than 500 bytes.");
      if (value.kind == Kind::kDictionary) {
        collect(values, value, name + ".", depth + 1);
      } else {
        add(values, value, name);
      }
    }
  }

  void add(const models::Pickle& values, const models::PickleValue& value, const std::string& name) {
    const auto fail = [&](const auto&... what) { throw Error("tensor \"", name, "\" ", what..., "."); };
    const models::PickleValue& storage = values[value.items[0]];
    if (storage.kind != Kind::kStorage) fail("has no storage");
    const models::PickleValue& type = values[storage.items[1]];
    const models::PickleValue& key = values[storage.items[2]];
    const models::PickleValue& elements = values[storage.items[4]];
    const auto* known = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                     [&](const StorageType& t) { return t.global == type.text; });
    if (type.kind != Kind::kGlobal || known == std::end(kStorageTypes)) fail("has a storage of no known type");
    if (key.kind != Kind::kText || elements.kind != Kind::kInteger) fail("has a storage without name or size");

    const Shape shape = sizes(values, value.items[2], name);
    Place place{prefix + "data/" + std::string(key.text), known->size, 0, sizes(values, value.items[3], name)};
    if (place.strides.size() != shape.size()) fail("has another number of strides than of sizes");
    if (!zip.has(place.entry)) fail("lies in " + place.entry + ", which is missing");
    const int64_t count = elements.integer;
    if (count < 0 || count > INT64_MAX / 8 || count * known->size != zip.size(place.entry)) {
      fail("lies in ", place.entry, " of ", zip.size(place.entry), " bytes; expected ", count, " elements of ",
           known->dtype);
    }
    const models::PickleValue& offset = values[value.items[1]];
    if (offset.kind != Kind::kInteger || offset.integer < 0 || offset.integer > count) fail("has a wrong offset");
    place.offset = offset.integer;
    // Nothing overflows: the last element's place and the number of elements are compared with the storage's size at
    // each factor. A tensor with more elements than its storage is an expanded view, which no layer keeps.
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
    if (!tensors.emplace(name, Tensor{known->dtype, shape}).second) throw Error("\"" + name + "\" stands there twice.");
    places.emplace(name, std::move(place));
  }

  static Shape sizes(const models::Pickle& values, size_t index, const std::string& name) {
    const models::PickleValue& tuple = values[index];
    Shape result;
    bool good = tuple.kind == Kind::kTuple && tuple.items.size() <= 16;
    for (size_t i = 0; good && i < tuple.items.size(); ++i) {
      const models::PickleValue& size = values[tuple.items[i]];
      good = size.kind == Kind::kInteger && size.integer >= 0;
      result.push_back(size.integer);
    }
    if (!good) throw Error("tensor \"" + name + "\" has a shape or strides that are no tuple of sizes.");
    return result;
  }

  models::ZipFile zip;
  std::string prefix;
  std::map<std::string, Tensor> tensors;
  std::map<std::string, Place> places;
  size_t items = 0;
};

StateDictReader::StateDictReader(const std::string& path) : impl_(std::make_unique<Impl>(path)) {}
StateDictReader::~StateDictReader() = default;
StateDictReader::StateDictReader(StateDictReader&&) noexcept = default;
StateDictReader& StateDictReader::operator=(StateDictReader&&) noexcept = default;

const std::string& StateDictReader::path() const { return impl_->zip.path(); }
const std::map<std::string, StateDictReader::Tensor>& StateDictReader::tensors() const { return impl_->tensors; }

StoredTensor StateDictReader::read(const std::string& name) const {
  const Tensor& tensor = impl_->tensors.at(name);
  const Place& place = impl_->places.at(name);
  std::vector<std::byte> bytes = gather(impl_->zip.read(place.entry), place, tensor.shape);
  if (tensor.dtype == "bfloat16") return make_tensor(tensor.shape, to_floats<uint16_t>(bytes, float_of_bfloat16));
  if (tensor.dtype == "float64") {
    return make_tensor(tensor.shape, to_floats<double>(bytes, [](double v) { return static_cast<float>(v); }));
  }
  const DType dtype = tensor.dtype == "float32"   ? DType::kFloat32
                      : tensor.dtype == "float16" ? DType::kFloat16
                      : tensor.dtype == "int64"   ? DType::kInt64
                                                  : DType::kUint8;
  return {dtype, tensor.shape, std::move(bytes)};
}

namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool is_generators(const std::string& name) { return name.rfind("generator.", 0) == 0; }

bool is_statistic(const std::string& name) {
  return ends_with(name, ".running_mean") || ends_with(name, ".running_var");
}

std::string name_of_file(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The tensors of several files under one naming: NAME where only one file has it, FILE:NAME always.
class Tensors {
 public:
  explicit Tensors(const std::vector<StateDictReader>& files) : files_(files) {
    for (const StateDictReader& file : files) {
      paths_ += (paths_.empty() ? "" : ", ") + file.path();
      for (const auto& [name, tensor] : file.tensors()) {
        const std::string whole_name = name_of_file(file.path()) + ":" + name;
        if (!found_.emplace(whole_name, std::make_pair(&file, name)).second) {
          throw FileError(paths_, "two files with the same name both hold \"" + name + "\"; rename one of them.");
        }
        const bool alone = std::count_if(files.begin(), files.end(), [&n = name](const StateDictReader& other) {
                             return other.tensors().count(n) != 0;
                           }) == 1;
        if (alone) found_[name] = {&file, name};
      }
    }
  }

  bool has(const std::string& name) const { return found_.count(name) != 0; }
  const Shape& shape(const std::string& name) const {
    const auto& [file, inner] = found_.at(name);
    return file->tensors().at(inner).shape;
  }
  StoredTensor read(const std::string& name) const {
    const auto& [file, inner] = found_.at(name);
    return file->read(inner);
  }
  [[noreturn]] void fail(const std::string& what) const { throw FileError(paths_, what); }

  /// What the files hold, for messages.
  std::string list() const {
    constexpr size_t kShown = 12;
    std::string text;
    size_t count = 0;
    for (const StateDictReader& file : files_) {
      for (const auto& [name, tensor] : file.tensors()) {
        if (ends_with(name, "num_batches_tracked")) continue;
        if (count++ >= kShown) continue;
        text += (text.empty() ? "" : ", ") + (files_.size() > 1 ? name_of_file(file.path()) + ":" : "") + name + " " +
                shape_text(tensor.shape);
      }
    }
    if (count > kShown) text += " and " + std::to_string(count - kShown) + " more";
    return text.empty() ? "no tensors" : text;
  }

 private:
  const std::vector<StateDictReader>& files_;
  std::string paths_;
  std::map<std::string, std::pair<const StateDictReader*, std::string>> found_;
};

// @param missing  their names by ours
void refuse_missing(const Tensors& tensors, const std::map<std::string, std::string>& missing) {
  if (missing.empty()) return;
  const auto& [ours, theirs] = *missing.begin();
  const bool statistics = std::all_of(missing.begin(), missing.end(),
                                      [](const auto& m) { return is_statistic(m.first.substr(0, m.first.find(' '))); });
  tensors.fail("lacks tensor \"" + theirs + "\" for " + ours +
               (missing.size() > 1 ? " and " + std::to_string(missing.size() - 1) + " others of the model" : "") +
               "; --mapping gives the names in the file" +
               (statistics ? ", or --statistics-from infers the statistics" : "") + "; found: " + tensors.list() + ".");
}

}  // namespace

ModelFile model_from_state_dicts(const std::vector<StateDictReader>& files, const StateDictOptions& options) {
  check(options.architecture);
  require_option(options.epsilon >= 0 && options.epsilon <= 1, "batch-norm-epsilon", options.epsilon, "from 0 to 1");
  const Tensors tensors(files);
  const auto theirs = [&](const std::string& name) {
    const auto mapped = options.mapping.find(name);
    return mapped == options.mapping.end() ? name : mapped->second;
  };
  ModelFile model;
  model.architecture = options.architecture;
  model.convolutions = static_cast<int64_t>(discriminator_convolutions(options.architecture).size());
  const auto shapes = models::expected_shapes(model);
  model.has_generator = std::any_of(shapes.begin(), shapes.end(), [&](const auto& s) {
    return is_generators(s.first) && (options.mapping.count(s.first) != 0 || tensors.has(s.first));
  });
  for (const auto& [name, their_name] : options.mapping) {
    if (shapes.count(name) == 0) {
      throw OptionError("the mapping names \"" + name.substr(0, 80) +
                        "\", which this architecture does not have; expected names such as " + shapes.begin()->first +
                        ", " + shapes.rbegin()->first + ".");
    }
  }
  std::map<std::string, std::string> missing;
  for (const auto& [name, shape] : shapes) {
    const bool needed =
        (model.has_generator || !is_generators(name)) && !(options.without_statistics && is_statistic(name));
    if (needed && !tensors.has(theirs(name))) missing[name + " " + shape_text(shape)] = theirs(name);
  }
  refuse_missing(tensors, missing);
  for (const auto& [name, shape] : shapes) {
    if (is_generators(name) && !model.has_generator) continue;
    if (is_statistic(name) && options.without_statistics) {
      const float value = ends_with(name, "var") ? 1 : 0;
      model.tensors[name] = make_tensor(shape, std::vector<float>(product(shape), value));
      continue;
    }
    const std::string their_name = theirs(name);
    Shape found = tensors.shape(their_name);
    if (name == "discriminator.head.weight" && found.size() == 4 && found[0] == 1 && found[2] == kBaseSize &&
        found[3] == kBaseSize) {
      found = {1, product(found)};
    }
    if (found != shape) {
      tensors.fail("its tensor \"" + their_name + "\" has the shape " + shape_text(tensors.shape(their_name)) +
                   "; for " + name + " the architecture asks for " + shape_text(shape) +
                   ": are its options those of the network?");
    }
    const std::string bias = their_name.substr(0, their_name.rfind('.')) + ".bias";
    const std::string our_bias = name.substr(0, name.rfind('.')) + ".bias";
    if (ends_with(their_name, ".weight") && shapes.count(our_bias) == 0 && tensors.has(bias)) {
      tensors.fail("its tensor \"" + bias + "\" is the bias of a layer that has none in a DCGAN (" + name +
                   "); train the network with bias=False.");
    }
    const StoredTensor tensor = tensors.read(their_name);
    if (tensor.dtype != DType::kFloat32 && tensor.dtype != DType::kFloat16) {
      tensors.fail("its tensor \"" + their_name + "\" holds integers; expected floats for " + name + ".");
    }
    std::vector<float> values = tensor.to_floats();
    if (ends_with(name, ".running_var")) {
      for (float& value : values) value = static_cast<float>(value + (options.epsilon - kModelEpsilon));
    }
    model.tensors[name] = make_tensor(shape, values);
  }
  std::string names;
  for (const StateDictReader& file : files) names += (names.empty() ? "" : ", ") + name_of_file(file.path());
  model.training = nlohmann::ordered_json({{"source", "state_dict of " + names}}).dump();
  model.statistics = options.without_statistics
                         ? R"({"source":"none: mean 0, variance 1"})"
                         : nlohmann::ordered_json({{"source", "running averages of " + names}}).dump();
  return model;
}

}  // namespace dcgan
