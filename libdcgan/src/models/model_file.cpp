#include "dcgan/model_file.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/options_json.h"
#include "dcgan/errors.h"
#include "dcgan/version.h"
#include "models/model_tensors.h"
#include "models/sha256.h"

namespace dcgan {
namespace {

constexpr const char* kFormat = "dcgan-model";
constexpr const char* kFormatVersion = "1";

using Shapes = std::map<std::string, std::vector<int64_t>>;

std::string shape_text(const std::vector<int64_t>& shape) { return nlohmann::json(shape).dump(); }

void add_batch_norm(Shapes& shapes, const std::string& prefix, int64_t channels) {
  for (const char* name : {".weight", ".bias", ".running_mean", ".running_var"}) shapes[prefix + name] = {channels};
}

/// @throws Error without the file's name.
void check_tensors(const ModelFile& model) {
  const Shapes shapes = models::expected_shapes(model);
  for (const auto& [name, shape] : shapes) {
    const auto found = model.tensors.find(name);
    if (found == model.tensors.end()) {
      throw Error("tensor \"", name, "\" ", shape_text(shape), " is missing; its architecture asks for it.");
    }
    const StoredTensor& tensor = found->second;
    if (tensor.shape != shape) {
      throw Error("tensor \"", name, "\" has the shape ", shape_text(tensor.shape), "; its architecture asks for ",
                  shape_text(shape), ".");
    }
    if (tensor.dtype != DType::kFloat32 && tensor.dtype != DType::kFloat16) {
      throw Error("tensor \"", name, "\" is neither float32 nor float16.");
    }
  }
  for (const auto& [name, tensor] : model.tensors) {
    if (shapes.count(name) == 0) throw Error("tensor \"", name, "\" is not in its architecture.");
  }
}

nlohmann::ordered_json parse_object(const std::string& name, const std::string& text) {
  auto object = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) throw Error(name, " is no JSON object.");
  return object;
}

}  // namespace

Shapes models::expected_shapes(const ModelFile& model) {
  const std::vector<ConvolutionShape> down = discriminator_convolutions(model.architecture);
  const auto all = static_cast<int64_t>(down.size());
  if (model.convolutions < 1 || model.convolutions > all) {
    throw Error("it holds ", model.convolutions, " convolutions of the discriminator; its architecture has 1 to ", all,
                ".");
  }
  Shapes shapes;
  for (int64_t i = 1; i <= model.convolutions; ++i) {
    const ConvolutionShape& c = down[i - 1];
    shapes[text_of("discriminator.conv", i, ".weight")] = {c.out_channels, c.in_channels, c.kernel, c.kernel};
    if (c.batch_norm) add_batch_norm(shapes, text_of("discriminator.bn", i), c.out_channels);
  }
  const GuidelineOptions& guidelines = model.architecture.guidelines;
  const int64_t hidden = guidelines.hidden_dense;
  const auto add_hidden = [&](const std::string& network, int64_t inputs) {
    shapes[network + ".hidden.weight"] = {hidden, inputs};
    if (guidelines.batch_norm != NormalizedLayers::kNone) add_batch_norm(shapes, network + ".bn_hidden", hidden);
  };
  if (model.convolutions == all) {
    const int64_t inputs = dense_inputs(model.architecture);
    if (hidden > 0) add_hidden("discriminator", inputs);
    shapes["discriminator.head.weight"] = {1, hidden > 0 ? hidden : inputs};
  }
  if (!model.has_generator) return shapes;

  const std::vector<ConvolutionShape> up = generator_convolutions(model.architecture);
  const int64_t units = up.front().in_channels * kBaseSize * kBaseSize;
  if (hidden > 0) add_hidden("generator", model.architecture.nz);
  shapes["generator.project.weight"] = {units, hidden > 0 ? hidden : model.architecture.nz};
  if (guidelines.batch_norm != NormalizedLayers::kNone) add_batch_norm(shapes, "generator.bn0", units);
  for (size_t i = 1; i <= up.size(); ++i) {
    const ConvolutionShape& c = up[i - 1];
    shapes[text_of("generator.deconv", i, ".weight")] = {c.in_channels, c.out_channels, c.kernel, c.kernel};
    if (c.batch_norm) add_batch_norm(shapes, text_of("generator.bn", i), c.out_channels);
  }
  return shapes;
}

std::string to_json(const ArchitectureOptions& options) {
  auto object = options_to_json(options);
  const auto published = options_to_json(GuidelineOptions());
  for (const auto& [flag, value] : published.items()) {
    if (object[flag] == value) object.erase(flag);
  }
  return object.dump();
}

ArchitectureOptions architecture_from_json(const std::string& text) {
  const auto options = options_from_json<ArchitectureOptions>(parse_object("architecture", text));
  check(options);
  return options;
}

ModelFile load_model(const std::string& path) {
  SafetensorsFile file = read_safetensors(path);
  const auto metadata = [&](const char* key, const char* fallback) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string(fallback) : found->second;
  };
  const std::string format = metadata("format", "");
  if (format != kFormat) {
    throw FileError(path, "format is \"", format, "\", expected \"", kFormat,
                    "\"; dcgan-convert model makes a model of a run's checkpoint.");
  }
  const std::string version = metadata("format_version", "");
  if (version != kFormatVersion) {
    throw FileError(path, "format_version is \"", version, "\", this program reads ", kFormatVersion,
                    "; use the version of the library that wrote it (", metadata("library_version", "unknown"), ").");
  }
  ModelFile model;
  try {
    model.architecture = architecture_from_json(metadata("architecture", ""));
    model.statistics = metadata("statistics", "{}");
    model.training = metadata("training", "{}");
    parse_object("statistics", model.statistics);
    parse_object("training", model.training);
    const auto all = std::to_string(discriminator_convolutions(model.architecture).size());
    const auto convolutions = nlohmann::json::parse(metadata("convolutions", all.c_str()), nullptr, false);
    if (!convolutions.is_number_integer()) throw Error("convolutions is no number.");
    model.convolutions = convolutions.get<int64_t>();
    model.tensors = std::move(file.tensors);
    const auto generator = model.tensors.lower_bound("generator.");
    model.has_generator = generator != model.tensors.end() && generator->first.rfind("generator.", 0) == 0;
    check_tensors(model);
  } catch (const FileError&) {
    throw;
  } catch (const Error& error) {
    throw FileError(path, error.what());
  }
  model.sha256 = models::sha256_of_file(path);
  return model;
}

void save_model(const std::string& path, const ModelFile& model) {
  try {
    check(model.architecture);
    check_tensors(model);
    parse_object("statistics", model.statistics);
    parse_object("training", model.training);
  } catch (const Error& error) {
    throw FileError(path, "cannot be written: ", error.what());
  }
  write_safetensors(path, {model.tensors,
                           {{"format", kFormat},
                            {"format_version", kFormatVersion},
                            {"architecture", to_json(model.architecture)},
                            {"statistics", model.statistics},
                            {"training", model.training},
                            {"convolutions", std::to_string(model.convolutions)},
                            {"library_version", DCGAN_VERSION}}});
}

}  // namespace dcgan
