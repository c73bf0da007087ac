#include "dcgan/keras_file.h"

#include <algorithm>
#include <map>

#include "base/text_ends.h"
#include "dcgan/errors.h"
#include "store/hdf5_handles.h"
#include "store/hdf5_texts.h"

namespace dcgan {
namespace {

constexpr size_t kMostArrays = 10'000;

/// Names of all links below, in the order of their names. An error of HDF5 is the return value's.
herr_t add_name(hid_t /*group*/, const char* name, const H5L_info_t* /*info*/, void* names) {
  auto& all = *static_cast<std::vector<std::string>*>(names);
  all.emplace_back(name);
  return all.size() > kMostArrays ? 1 : 0;
}

bool is_dataset(hdf5::Place file, const std::string& name) {
  const hdf5::Handle object(H5Oopen(file.id, name.c_str(), H5P_DEFAULT), H5Oclose, file.path,
                            "cannot open \"" + name + "\"");
  return H5Iget_type(object) == H5I_DATASET;
}

KerasArrays::Array read_array(const hdf5::Dataset& dataset, const std::string& name, const std::string& path) {
  KerasArrays::Array array{name, dataset.shape, {}};
  // Of an empty one the other sides may be anything; keras_network() refuses it by name.
  if (std::find(array.shape.begin(), array.shape.end(), 0) != array.shape.end()) return array;
  int64_t count = 1;
  for (const int64_t side : array.shape) count *= side;
  array.values.resize(static_cast<size_t>(count));
  const hdf5::Handle type = hdf5::float_type(false);
  hdf5::require(H5Dread(dataset.id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()), path,
                "\"" + name + "\" cannot be read");
  return array;
}

}  // namespace

KerasArrays read_keras_file(const std::string& path) {
  const hdf5::Session session;
  const hdf5::Handle file = hdf5::open_file(path);
  const hdf5::Place root{file, path};
  KerasArrays result;
  result.config = hdf5::read_attribute(root, "model_config", std::string());
  std::vector<std::string> names;
  const herr_t status = H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, add_name, &names);
  hdf5::require(status, path, "its objects cannot be listed");
  if (status > 0) throw FileError(path, "holds more than ", kMostArrays, " objects; no model of Keras is like that.");
  // Layers in their order stand in an attribute, of the root or of "model_weights".
  const std::string below = hdf5::has_object(root, "model_weights") ? "model_weights/" : "";
  const hdf5::Handle group(H5Gopen2(file, below.empty() ? "/" : below.c_str(), H5P_DEFAULT), H5Gclose, path,
                           "has no group of weights");
  const std::vector<std::string> layers = hdf5::read_attribute_texts({group, path}, "layer_names");
  result.ordered = !layers.empty();
  std::map<std::string, size_t> order;
  for (const std::string& layer : layers) order.emplace(layer, order.size());
  std::vector<std::pair<size_t, std::string>> arrays;
  for (const std::string& name : names) {
    if (starts_with(name, "optimizer") || !is_dataset(root, name)) continue;
    if (!below.empty() && !starts_with(name, below)) continue;
    const std::string inside = name.substr(below.size());
    const auto place = order.find(inside.substr(0, inside.find('/')));
    arrays.emplace_back(place == order.end() ? order.size() : place->second, name);
  }
  std::stable_sort(arrays.begin(), arrays.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [place, name] : arrays) {
    const hdf5::Dataset dataset = hdf5::open_dataset(root, name);
    if (dataset.type_class == H5T_FLOAT) result.arrays.push_back(read_array(dataset, name, path));
  }
  if (result.arrays.empty()) throw FileError(path, "holds no arrays of floats; expected a model of Keras.");
  return result;
}

}  // namespace dcgan
