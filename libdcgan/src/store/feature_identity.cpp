#include "store/feature_identity.h"

#include "store/files.h"
#include "store/image_tables.h"

namespace dcgan::store {
namespace {

std::string joined(const std::vector<int64_t>& numbers) {
  std::string text;
  for (const int64_t n : numbers) text += (text.empty() ? "" : ",") + std::to_string(n);
  return text;
}

}  // namespace

std::vector<Field> identity(const FeatureFileInfo& info) {
  std::string classes;
  for (const std::string& name : info.classes) classes += name + "\n";
  return {{"model_sha256", info.model_sha256},
          {"architecture", info.architecture},
          {"layers", joined(info.layers)},
          {"layer_offsets", joined(info.layer_offsets)},
          {"grid", std::to_string(info.grid)},
          {"feature_count", std::to_string(info.feature_count)},
          {"storage", to_name(info.storage)},
          {"preprocessing", info.preprocessing},
          {"seed", std::to_string(info.seed)},
          {"classes", classes},
          {"input_total", std::to_string(info.inputs.total)},
          {"input_list", info.inputs.list}};
}

void write_feature_attributes(hdf5::Place file, const FeatureFileInfo& info, const Origin& origin) {
  write_origin(file, kFeaturesFormat, origin);
  hdf5::write_attribute(file, "feature_count", info.feature_count);
  hdf5::write_attribute(file, "model_sha256", info.model_sha256);
  hdf5::write_attribute(file, "architecture", info.architecture);
  hdf5::write_attribute(file, "layers", info.layers);
  hdf5::write_attribute(file, "layer_offsets", info.layer_offsets);
  hdf5::write_attribute(file, "grid", info.grid);
  hdf5::write_attribute(file, "preprocessing", info.preprocessing);
  hdf5::write_attribute(file, "seed", info.seed);
  hdf5::write_attribute(file, "input_list", info.inputs.list);
  hdf5::write_attribute(file, "first_input", info.inputs.first);
  hdf5::write_attribute(file, "input_count", info.inputs.count);
  hdf5::write_attribute(file, "input_total", info.inputs.total);
}

}  // namespace dcgan::store

namespace dcgan {

void check_made_as(const FeatureFileReader& file, const FeatureFileInfo& info) {
  const std::vector<store::Field> theirs = store::identity(file.info());
  const std::vector<store::Field> ours = store::identity(info);
  for (size_t i = 0; i < ours.size(); ++i) {
    if (ours[i].name == "preprocessing" || ours[i].value == theirs[i].value) continue;
    throw FileError(file.path(), "is complete, but was made with " + ours[i].name + " " +
                                     store::excerpt(theirs[i].value, ours[i].value) + ", now it is " +
                                     store::excerpt(ours[i].value, theirs[i].value) +
                                     "; --overwrite replaces it, or write another file.");
  }
}

}  // namespace dcgan
