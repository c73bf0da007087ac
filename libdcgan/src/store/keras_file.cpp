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
constexpr hssize_t kMostLayers = 10'000;

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

/// An attribute [N] of texts; empty where there is none.
std::vector<std::string> texts_of_attribute(hdf5::Place at, const char* name) {
  if (H5Aexists(at.id, name) <= 0) return {};
  const std::string problem = text_of("attribute \"", name, "\" cannot be read");
  const hdf5::Handle attribute(H5Aopen(at.id, name, H5P_DEFAULT), H5Aclose, at.path, problem);
  const hdf5::Handle type(H5Aget_type(attribute), H5Tclose, at.path, problem);
  const hdf5::Handle space(H5Aget_space(attribute), H5Sclose, at.path, problem);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (H5Tget_class(type) != H5T_STRING || count < 0 || count > kMostLayers) {
    throw FileError(at.path, "attribute \"", name, "\" is no list of names.");
  }
  std::vector<std::string> texts;
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> pointers(static_cast<size_t>(count), nullptr);
    hdf5::require(H5Aread(attribute, type, pointers.data()), at.path, problem);
    for (const char* text : pointers) texts.emplace_back(text == nullptr ? "" : text);
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
    return texts;
  }
  const size_t size = H5Tget_size(type);
  if (size == 0 || size > 4096) throw FileError(at.path, "attribute \"", name, "\" has names of ", size, " bytes.");
  std::vector<char> bytes(size * static_cast<size_t>(count));
  hdf5::require(H5Aread(attribute, type, bytes.data()), at.path, problem);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    texts.push_back(hdf5::fixed_text(bytes.data() + i * size, size, false));
  }
  return texts;
}

KerasArrays::Array read_array(const hdf5::Dataset& dataset, const std::string& name, const std::string& path) {
  KerasArrays::Array array{name, dataset.shape, {}};
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
  hdf5::check_attribute_heaps(path);
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
  const std::vector<std::string> layers = texts_of_attribute({group, path}, "layer_names");
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
