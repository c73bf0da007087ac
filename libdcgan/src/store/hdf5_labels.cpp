#include "store/hdf5_labels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "dcgan/errors.h"
#include "store/hdf5_texts.h"

namespace dcgan::hdf5 {
namespace {

constexpr int64_t kBlockValues = 65536;
constexpr int64_t kMaximumClasses = int64_t{1} << 20;  // of one-hot rows: no file makes the reader allocate more

}  // namespace

std::string description(const Dataset& dataset) {
  const size_t bits = H5Tget_size(dataset.type) * 8;
  std::string text;
  switch (dataset.type_class) {
    case H5T_INTEGER:
      text = text_of(H5Tget_sign(dataset.type) == H5T_SGN_NONE ? "uint" : "int", bits);
      break;
    case H5T_FLOAT:
      text = text_of("float", bits);
      break;
    case H5T_ENUM:
      text = "booleans or an enumeration";
      break;
    case H5T_STRING:
      text = "texts";
      break;
    case H5T_COMPOUND:
      text = "compounds of several fields";
      break;
    default:
      text = "values of another type";
  }
  std::string shape;
  for (const int64_t size : dataset.shape) shape += text_of(shape.empty() ? "" : ", ", size);
  return text + " [" + shape + "]";
}

namespace {

Labels from_texts(const std::vector<std::string>& texts) {
  Labels labels;
  labels.names = texts;
  std::sort(labels.names.begin(), labels.names.end());
  labels.names.erase(std::unique(labels.names.begin(), labels.names.end()), labels.names.end());
  for (const std::string& text : texts) {
    const auto found = std::lower_bound(labels.names.begin(), labels.names.end(), text);
    labels.values.push_back(static_cast<int32_t>(found - labels.names.begin()));
  }
  return labels;
}

/// The column of the one 1 in a row of zeros, or -1.
template <class Number>
int64_t hot_column(const Number* row, int64_t columns) {
  const Number* hot = std::find(row, row + columns, Number{1});
  const auto is_zero = [](Number value) { return value == 0; };
  const bool one =
      hot != row + columns && std::all_of(row, hot, is_zero) && std::all_of(hot + 1, row + columns, is_zero);
  return one ? hot - row : -1;
}

template <class Number>
std::vector<int32_t> from_numbers(const Dataset& dataset, hid_t memory_type, Place at, const std::string& name) {
  const int64_t rows = dataset.shape[0];
  const int64_t columns = dataset.shape.size() == 2 ? dataset.shape[1] : 1;
  const int64_t block_rows = std::max<int64_t>(1, kBlockValues / std::max<int64_t>(columns, 1));
  std::vector<int32_t> labels;
  std::vector<Number> block(std::min(rows, block_rows) * columns);
  for (int64_t first = 0; first < rows; first += block_rows) {
    const int64_t count = std::min(block_rows, rows - first);
    read_rows(dataset, first, count, memory_type, block.data(), at.path);
    for (int64_t i = 0; i < count; ++i) {
      const Number value = columns > 1 ? static_cast<Number>(hot_column(&block[i * columns], columns)) : block[i];
      if (columns > 1 && value < 0) {
        throw FileError(at.path, "dataset \"", name, "\" is ", description(dataset), ", and row ", first + i,
                        " is not one-hot (one 1, else 0); expected a label for each row.");
      }
      if (!(value >= static_cast<Number>(std::numeric_limits<int32_t>::min()) &&
            value <= static_cast<Number>(std::numeric_limits<int32_t>::max()))) {
        throw FileError(at.path, "label ", value, " of row ", first + i, " does not fit in 32 bits.");
      }
      const auto label = static_cast<int32_t>(value);
      if (static_cast<Number>(label) != value) {
        throw FileError(at.path, "label ", value, " of row ", first + i, " is no whole number; dataset \"", name,
                        "\" is ", description(dataset), ".");
      }
      labels.push_back(label);
    }
  }
  return labels;
}

// The names that an enumeration gives to its numbers; none of NumPy's booleans, which are one, too.
std::map<int64_t, std::string> enumerated(const Dataset& dataset, const std::string& path) {
  std::map<int64_t, std::string> names;
  const Handle number(H5Tget_super(dataset.type), H5Tclose, path, "the type of its labels cannot be read");
  const int members = H5Tget_nmembers(dataset.type);
  for (int i = 0; i < members; ++i) {
    // Converted in place, from the file's type, which may be the wider.
    std::vector<unsigned char> value(std::max(sizeof(int64_t), H5Tget_size(dataset.type)));
    char* name = H5Tget_member_name(dataset.type, i);
    if (name != nullptr && H5Tget_member_value(dataset.type, i, value.data()) >= 0 &&
        H5Tconvert(number, H5T_NATIVE_INT64, 1, value.data(), nullptr, H5P_DEFAULT) >= 0) {
      int64_t key = 0;
      std::memcpy(&key, value.data(), sizeof key);
      names[key] = name;
    }
    H5free_memory(name);
  }
  const std::map<int64_t, std::string> booleans = {{0, "FALSE"}, {1, "TRUE"}};
  return names == booleans ? std::map<int64_t, std::string>() : names;
}

Labels with_names(const std::vector<int32_t>& values, const std::map<int64_t, std::string>& names) {
  if (names.empty()) return {values, {}};
  std::vector<std::string> texts;
  for (const int32_t value : values) {
    const auto found = names.find(value);
    texts.push_back(found == names.end() ? std::to_string(value) : found->second);
  }
  return from_texts(texts);
}

}  // namespace

Labels read_labels(Place at, const std::string& name) {
  const Dataset dataset = open_dataset(at, name);
  const size_t rank = dataset.shape.size();
  const bool column = rank == 1 || (rank == 2 && dataset.shape[1] == 1);
  const bool matrix = rank == 2 && dataset.shape[1] > 1 && dataset.shape[1] <= kMaximumClasses;
  const H5T_class_t kind = dataset.type_class;
  if (kind == H5T_STRING && column) return from_texts(read_texts(at, name));
  if (kind == H5T_ENUM && column) {
    return with_names(from_numbers<int64_t>(dataset, H5T_NATIVE_INT64, at, name), enumerated(dataset, at.path));
  }
  if ((column || matrix) && (kind == H5T_INTEGER || kind == H5T_ENUM)) {
    return {from_numbers<int64_t>(dataset, H5T_NATIVE_INT64, at, name), {}};
  }
  if ((column || matrix) && kind == H5T_FLOAT) {
    return {from_numbers<double>(dataset, H5T_NATIVE_DOUBLE, at, name), {}};
  }
  throw FileError(at.path, "dataset \"", name, "\" is ", description(dataset),
                  "; expected integers, booleans, whole floats or texts [N], or one-hot rows [N, K].");
}

}  // namespace dcgan::hdf5
