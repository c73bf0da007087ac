#include "features/fitted_file.h"

namespace dcgan::features {

std::string decisive(const std::string& preprocessing) {
  const auto all = nlohmann::json::parse(preprocessing, nullptr, /*allow_exceptions=*/false);
  nlohmann::ordered_json kept = nlohmann::ordered_json::object();
  for (const char* key : {"resize", "scale", "statistics", "precision", "compression"}) {
    if (all.is_object() && all.contains(key)) kept[key] = all[key];
  }
  return kept.dump();
}

FittedFile::FittedFile(const std::string& path, const std::string& format, const std::string& maker)
    : path_(path), file_(read_safetensors(path)) {
  const auto found = file_.metadata.find("format");
  if (found == file_.metadata.end() || found->second != format) {
    throw FileError(path, "format is ", found == file_.metadata.end() ? "not given" : found->second, ", expected ",
                    format, "; ", maker, " makes one.");
  }
  if (const std::string version = text("format_version"); version != "1") {
    throw FileError(path, "format version ", version, ", this library reads version 1; take a newer one.");
  }
}

std::string FittedFile::text(const std::string& key) const {
  const auto found = file_.metadata.find(key);
  if (found == file_.metadata.end()) throw FileError(path_, "its metadata lacks \"", key, "\".");
  return found->second;
}

std::vector<float> FittedFile::floats(const std::string& name, size_t dimensions) const {
  const auto found = file_.tensors.find(name);
  if (found == file_.tensors.end() || found->second.dtype != DType::kFloat32 ||
      found->second.shape.size() != dimensions) {
    throw FileError(path_, "has no float32 tensor \"", name, "\" of ", dimensions, " dimensions.");
  }
  return found->second.to_floats();
}

}  // namespace dcgan::features
