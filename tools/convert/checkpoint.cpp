#include "tools/convert/checkpoint.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/safetensors.h"

namespace dcgan::convert_tool {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kAverage = "average.";
constexpr int64_t kStatisticsMinibatch = 128;  // the authors' rule, dcgan/statistics.h

ordered_json read_json(const fs::path& path, const std::string& remedy) {
  std::ifstream file(path);
  const ordered_json json = ordered_json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw FileError(path, "is not there, or damaged; ", remedy);
  return json;
}

// Batch norms are the tensors with a bias.
void add_statistics(ModelFile& model) {
  const auto tensors = model.tensors;
  for (const auto& [name, tensor] : tensors) {
    const size_t end = name.rfind(".bias");
    if (end == std::string::npos) continue;
    const std::vector<float> zeros(tensor.shape.front());
    model.tensors[name.substr(0, end) + ".running_mean"] = make_tensor(tensor.shape, zeros);
    model.tensors[name.substr(0, end) + ".running_var"] =
        make_tensor(tensor.shape, std::vector<float>(zeros.size(), 1));
  }
}

// Where the run's images are: packed into its folder, or where resume.json says.
std::string images_of_run(const fs::path& run) {
  const fs::path packed = run / "data.h5";
  if (fs::exists(packed)) return packed;
  std::ifstream file(run / "resume.json");
  const ordered_json call = ordered_json::parse(file, nullptr, /*allow_exceptions=*/false);
  return call.is_object() ? call.value("data", "") : "";
}

}  // namespace

bool is_checkpoint(const std::string& path) {
  const auto metadata = read_safetensors(path).metadata;
  const auto format = metadata.find("format");
  return format != metadata.end() && format->second == "dcgan-checkpoint";
}

CheckpointModel model_of_checkpoint(const std::string& path) try {
  const SafetensorsFile file = read_safetensors(path);
  const fs::path run = fs::absolute(path).parent_path().parent_path();
  ordered_json record =
      read_json(run / "options.json", "a checkpoint needs the options of its run, two folders above.");
  CheckpointModel result;
  ModelFile& model = result.model;
  const ordered_json& architecture = record.at("architecture");
  if (!architecture.is_object()) throw FileError(path, "the options.json of its run is damaged: no architecture.");
  model.architecture = architecture_from_json(architecture.dump());
  model.convolutions = static_cast<int64_t>(discriminator_convolutions(model.architecture).size());
  model.has_generator = false;
  const bool averaged = record.at("options").at("average-decay").get<double>() > 0;
  const std::string prefix = averaged ? kAverage : "";
  for (const char* network : {"discriminator.", "generator."}) {
    for (const auto& [name, tensor] : file.tensors) {
      if (name.rfind(prefix + network, 0) != 0) continue;
      model.tensors[name.substr(prefix.size())] = tensor;
      model.has_generator |= network == std::string("generator.");
    }
  }
  add_statistics(model);
  result.seed = record.at("seed").get<uint64_t>();
  result.statistics.statistics_images =
      kStatisticsMinibatch * record["options"].at("statistics-minibatches").get<int64_t>();
  result.statistics.statistics_from = images_of_run(run);
  for (const char* of_the_machine : {"threads", "processes"}) record.erase(of_the_machine);
  record["step"] = std::stoll(file.metadata.at("step"));
  const auto rewinds = file.metadata.find("rewinds");
  if (rewinds != file.metadata.end() && rewinds->second != "0") record["rewinds"] = std::stoll(rewinds->second);
  model.training = record.dump();
  return result;
} catch (const ordered_json::exception& e) {
  throw FileError(path, "the options.json of its run is damaged: ", e.what());
}

}  // namespace dcgan::convert_tool
