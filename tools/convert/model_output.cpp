#include "tools/convert/model_output.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "data/resize.h"
#include "dcgan/errors.h"
#include "dcgan/model_precision.h"
#include "dcgan/safetensors.h"
#include "dcgan/statistics.h"
#include "dcgan/text.h"

namespace dcgan::convert_tool {
namespace {

bool is_statistic(const std::string& name) { return name.find(".running_") != std::string::npos; }

void drop_generator(ModelFile& model) {
  model.has_generator = false;
  for (auto it = model.tensors.begin(); it != model.tensors.end();) {
    it = it->first.rfind("generator.", 0) == 0 ? model.tensors.erase(it) : std::next(it);
  }
}

nlohmann::ordered_json facts_of(const std::string& path) {
  const ModelFile model = load_model(path);
  int64_t parameters[2] = {0, 0};  // of the discriminator, of the generator
  int64_t halves = 0;
  for (const auto& [name, tensor] : model.tensors) {
    if (is_statistic(name)) continue;
    const bool half = tensor.dtype == DType::kFloat16;
    halves += half ? 1 : 0;
    parameters[name.rfind("generator.", 0) == 0 ? 1 : 0] += static_cast<int64_t>(tensor.bytes.size()) / (half ? 2 : 4);
  }
  std::vector<int64_t> layers;
  for (int64_t i = 1; i <= model.convolutions; ++i) layers.push_back(i);
  nlohmann::ordered_json facts;
  facts["file"] = path;
  facts["bytes"] = std::filesystem::file_size(path);
  facts["sha256"] = model.sha256;
  facts["library-version"] = read_safetensors(path).metadata["library_version"];
  facts["storage"] = halves > 0 ? "f16" : "f32";
  facts["architecture"] = nlohmann::ordered_json::parse(to_json(model.architecture));
  facts["layers"] = joined_steps(steps_of(discriminator_layers(model.architecture)));
  facts["convolutions"] = model.convolutions;
  facts["architecture-convolutions"] = discriminator_convolutions(model.architecture).size();
  facts["features"] = feature_count(model.architecture, layers);
  facts["generator"] = model.has_generator;
  facts["discriminator-parameters"] = parameters[0];
  facts["generator-parameters"] = parameters[1];
  facts["parameters"] = parameters[0] + parameters[1];
  facts["statistics"] = nlohmann::ordered_json::parse(model.statistics);
  facts["training"] = nlohmann::ordered_json::parse(model.training);
  return facts;
}

}  // namespace

void ModelOutput::add_to(cli::CommandLine& line) {
  line.output(file, "model file (.safetensors) to make");
  line.add("Output", *this);
}

NextImages images_of(const tools::StatisticsOptions& statistics, const ModelFile& model,
                     const cli::CommonOptions& common) {
  const ArchitectureOptions& architecture = model.architecture;
  return tools::statistics_images(statistics, {architecture.image_size, architecture.input.resize}, {}, common);
}

void write_model(ModelFile model, const ModelOutput& options, const tools::StatisticsOptions& statistics,
                 const cli::CommonOptions& common) {
  if (options.no_generator) drop_generator(model);
  if (!statistics.statistics_from.empty()) {
    infer_statistics(model, images_of(statistics, model, common),
                     {statistics.statistics_from, common.seed, common.threads});
  }
  store_weights_as(options.storage, model);
  save_model(options.file.path, model);
  if (common.json) {
    std::cout << model_report(options.file.path, true);
  } else {
    std::cout << options.file.path << ": " << model.convolutions << " convolutions"
              << (model.has_generator ? " and the generator" : ", no generator") << "\n";
  }
}

std::string model_report(const std::string& path, bool json) {
  const nlohmann::ordered_json facts = facts_of(path);
  return json ? json_text(facts) + "\n" : cli::lines_of(facts);
}

}  // namespace dcgan::convert_tool
