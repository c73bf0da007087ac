#include "dcgan/array_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/files.h"
#include "dcgan/errors.h"
#include "dcgan/version.h"
#include "store/hdf5_handles.h"
#include "store/hdf5_texts.h"
#include "store/image_tables.h"

namespace dcgan {
namespace {

constexpr const char* kArraysFormat = "dcgan-arrays";

/// Contiguous, and without the time at which it was made.
void write_dataset(hdf5::Place file, const std::string& name, hid_t type, const std::vector<int64_t>& shape,
                   const void* values) {
  const std::string problem = "dataset \"" + name + "\" cannot be written";
  const std::vector<hsize_t> extent(shape.begin(), shape.end());
  const hdf5::Handle space(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose,
                           file.path, problem);
  const hdf5::Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, file.path, problem);
  hdf5::require(H5Pset_obj_track_times(creation, false), file.path, problem);
  const hdf5::Handle dataset(H5Dcreate2(file.id, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT),
                             H5Dclose, file.path, problem);
  hdf5::require(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), file.path, problem);
}

void write_texts(hdf5::Place file, const std::string& name, const std::vector<std::string>& texts) {
  size_t longest = 1;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  const hdf5::Handle type(H5Tcopy(H5T_C_S1), H5Tclose, file.path, "has no type of texts");
  hdf5::require(H5Tset_size(type, longest), file.path, "has no type of texts");
  hdf5::require(H5Tset_strpad(type, H5T_STR_NULLPAD), file.path, "has no type of texts");
  hdf5::require(H5Tset_cset(type, H5T_CSET_UTF8), file.path, "has no type of texts");
  std::vector<char> bytes(std::max<size_t>(longest * texts.size(), 1));
  for (size_t i = 0; i < texts.size(); ++i) {
    std::memcpy(bytes.data() + i * longest, texts[i].data(), texts[i].size());
  }
  write_dataset(file, name, type, {static_cast<int64_t>(texts.size())}, bytes.data());
}

void write_all(const std::string& partial, const ArrayFile& content) {
  hdf5::Handle file = hdf5::create_timeless_file(partial);
  const hdf5::Place root{file, partial};
  hdf5::write_attribute(root, "format", std::string(kArraysFormat));
  hdf5::write_attribute(root, "format_version", store::kFormatVersion);
  hdf5::write_attribute(root, "library_version", std::string(DCGAN_VERSION));
  hdf5::write_attribute(root, "facts", content.facts);
  const hdf5::Handle type = hdf5::float_type(false);
  for (const auto& [name, array] : content.arrays) {
    int64_t values = 1;
    for (const int64_t side : array.shape) values *= side;
    if (values != static_cast<int64_t>(array.values.size())) {
      throw Error("array \"", name, "\" has ", array.values.size(), " values, expected ", values, ".");
    }
    write_dataset(root, name, type, array.shape, array.values.data());
  }
  for (const auto& [name, texts] : content.texts) write_texts(root, name, texts);
  hdf5::write_attribute(root, "complete", int64_t{1});
  file.close(partial);
}

}  // namespace

void save_arrays(const std::string& path, const ArrayFile& content) {
  const hdf5::Session session;
  const std::string partial = base::partial_path(path);
  write_all(partial, content);
  base::publish(partial, path);
}

NamedNoise load_noise(const std::string& path, int64_t nz) {
  const hdf5::Session session;
  const hdf5::Handle file = hdf5::open_file(path);
  const hdf5::Place root{file, path};
  store::check_origin(root, kArraysFormat);
  const hdf5::Dataset z = hdf5::open_dataset(root, "z");
  if (z.type_class != H5T_FLOAT || z.shape.size() != 2 || z.shape[0] < 1) {
    throw FileError(path, "dataset \"z\" must be floats [N, Z].");
  }
  if (z.shape[1] != nz) {
    throw FileError(path, "its noise has ", z.shape[1], " dimensions, the model takes ", nz,
                    "; choose samples of this model, dcgan-explore samples --save FILE.");
  }
  NamedNoise noise;
  noise.z.resize(z.shape[0] * nz);
  hdf5::read_rows(z, 0, z.shape[0], H5T_NATIVE_FLOAT, noise.z.data(), path);
  for (const float value : noise.z) {
    if (!std::isfinite(value)) throw FileError(path, "dataset \"z\" has a value that is not finite.");
  }
  if (hdf5::has_object(root, "names")) noise.names = hdf5::read_texts(root, "names");
  if (noise.names.empty()) {
    for (int64_t i = 0; i < z.shape[0]; ++i) noise.names.push_back(std::to_string(i));
  }
  if (noise.count() != z.shape[0]) {
    throw FileError(path, "has ", noise.count(), " names for ", z.shape[0], " rows of noise; it is damaged.");
  }
  return noise;
}

void save_noise(const std::string& path, const NamedNoise& noise, const std::string& facts) {
  const int64_t count = noise.count();
  ArrayFile file;
  file.arrays["z"] = {{count, static_cast<int64_t>(noise.z.size()) / std::max<int64_t>(count, 1)}, noise.z};
  file.texts["names"] = noise.names;
  file.facts = facts;
  save_arrays(path, file);
}

}  // namespace dcgan
