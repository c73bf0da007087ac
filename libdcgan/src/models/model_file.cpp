#include "dcgan/model_file.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/options_json.h"
#include "dcgan/errors.h"
#include "dcgan/version.h"
#include "models/model_tensors.h"
#include "models/sha256.h"
#include "models/shapes.h"

namespace dcgan {
namespace {

constexpr const char* kFormat = "dcgan-model";
constexpr const char* kFormatVersion = "1";
constexpr const char* kListVersion = "2";  // of models whose architecture is a list, or whose input is no published one

const char* version_of(const ArchitectureOptions& o) {
  return o.is_list() || !(o.input == InputOptions()) ? kListVersion : kFormatVersion;
}

using Shapes = std::map<std::string, std::vector<int64_t>>;

using models::shape_text;

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
  const DiscriminatorLayers down = discriminator_layers(model.architecture);
  const auto all = static_cast<int64_t>(down.convolutions.size());
  if (model.convolutions < 1 || model.convolutions > all) {
    throw Error("it holds ", model.convolutions, " convolutions of the discriminator; its architecture has 1 to ", all,
                ".");
  }
  Shapes shapes;
  const auto add = [&](const std::string& network, const std::string& layer, const std::string& norm,
                       const LayerEnd& end, const std::vector<int64_t>& weight, int64_t outputs) {
    shapes[network + layer + ".weight"] = weight;
    if (end.bias) shapes[network + layer + ".bias"] = {outputs};
    if (end.batch_norm) add_batch_norm(shapes, network + norm, outputs);
  };
  const auto add_dense = [&](const std::string& network, const std::string& layer, const DenseShape& d) {
    add(network, layer, "bn_" + layer, d, {d.outputs, d.inputs}, d.outputs);
  };
  for (int64_t i = 1; i <= model.convolutions; ++i) {
    const ConvolutionShape& c = down.convolutions[static_cast<size_t>(i - 1)];
    add("discriminator.", text_of("conv", i), text_of("bn", i), c, {c.out_channels, c.in_channels, c.kernel, c.kernel},
        c.out_channels);
  }
  if (model.convolutions == all) {
    if (down.hidden) add_dense("discriminator.", "hidden", *down.hidden);
    add_dense("discriminator.", "head", down.head);
  }
  if (!model.has_generator) return shapes;

  const GeneratorLayers up = generator_layers(model.architecture);
  if (up.hidden) add_dense("generator.", "hidden", *up.hidden);
  const ProjectionShape& p = up.project;
  const int64_t inputs = up.hidden ? up.hidden->outputs : model.architecture.nz;
  shapes["generator.project.weight"] =
      p.transposed ? std::vector<int64_t>{inputs, p.channels, p.size, p.size} : std::vector<int64_t>{p.units(), inputs};
  if (p.bias) shapes["generator.project.bias"] = {p.transposed ? p.channels : p.units()};
  if (p.batch_norm) add_batch_norm(shapes, "generator.bn0", p.norm_channels());
  for (size_t i = 1; i <= up.convolutions.size(); ++i) {
    const ConvolutionShape& c = up.convolutions[i - 1];
    add("generator.", text_of("deconv", i), text_of("bn", i), c, {c.in_channels, c.out_channels, c.kernel, c.kernel},
        c.out_channels);
  }
  return shapes;
}

namespace {

constexpr const char* kLists[] = {"network", "generator-network"};

}  // namespace

std::string to_json(const ArchitectureOptions& options) {
  auto object = options_to_json(options);
  const auto leave_out = [&object](const nlohmann::ordered_json& usual) {
    for (const auto& [flag, value] : usual.items()) {
      if (object[flag] == value) object.erase(flag);
    }
  };
  leave_out(options_to_json(GuidelineOptions()));
  leave_out(options_to_json(InputOptions()));
  if (!options.is_list()) {
    for (const char* list : kLists) object.erase(list);
    return object.dump();
  }
  for (const char* of_the_family : {"kernel", "convs-per-scale", "ndf", "ngf"}) object.erase(of_the_family);
  object["network"] = steps_of(discriminator_layers(options));
  if (options.generator_network.empty()) {
    for (const char* of_the_generator : {"nz", "latent", "generator-network"}) object.erase(of_the_generator);
  } else {
    object["generator-network"] = steps_of(generator_layers(options));
  }
  return object.dump();
}

ArchitectureOptions architecture_from_json(const std::string& text) {
  auto object = parse_object("architecture", text);
  for (const char* list : kLists) {
    const auto found = object.find(list);
    if (found == object.end() || !found->is_array()) continue;
    std::string steps;
    for (const auto& step : *found) {
      if (!step.is_string()) throw Error("the list \"", list, "\" holds what is no text of a step.");
      steps += (steps.empty() ? "" : "; ") + step.get<std::string>();
    }
    *found = steps;
  }
  const auto options = options_from_json<ArchitectureOptions>(object);
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
  if (version != kFormatVersion && version != kListVersion) {
    throw FileError(path, "format_version is \"" + version + "\", this program reads " + kFormatVersion + " and " +
                              kListVersion + "; use the version of the library that wrote it (" +
                              metadata("library_version", "unknown") + ").");
  }
  ModelFile model;
  try {
    model.architecture = architecture_from_json(metadata("architecture", ""));
    if (version != version_of(model.architecture)) {
      throw Error("format_version is ", version, ", which its architecture contradicts.");
    }
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
                            {"format_version", version_of(model.architecture)},
                            {"architecture", to_json(model.architecture)},
                            {"statistics", model.statistics},
                            {"training", model.training},
                            {"convolutions", std::to_string(model.convolutions)},
                            {"library_version", DCGAN_VERSION}}});
}

}  // namespace dcgan
