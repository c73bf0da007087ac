#include "tools/extract/arguments.h"

#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "tools/cli/options_json.h"

namespace dcgan::extract_tool {

bool ExtractArguments::parse(cli::CommandLine& line) {
  line.about("Features of a trained discriminator for every image, into one HDF5 file.",
             "photos/ -o photos.h5 --model runs/narrow/model.safetensors");
  line.positional(images, "IMAGES", "files, folders (recursive), .tar and .zip archives, one LMDB or one packed file");
  line.add("Images", input);
  line.add("Model", options);
  line.add("Batch-norm statistics (default: the model's)", statistics);
  line.add("Features", features);
  line.output_to_resume(output, "HDF5 file to make");
  line.add("Output", rows);
  const bool go_on = line.parse();
  common = line.common();
  features.threads = common.threads;
  features.device = common.device;
  features.resize_is_chosen = line.given("resize");
  return go_on;
}

std::string ExtractArguments::record() const {
  ExtractArguments all = *this;  // describe() hands out references
  nlohmann::ordered_json json = {{"images", images}};
  cli::to_json(all.input, json);
  cli::to_json(all.options, json);
  cli::to_json(all.statistics, json);
  cli::to_json(all.features, json);
  try {
    return json.dump();
  } catch (const nlohmann::json::type_error&) {
    return "";  // a path that is no UTF-8, which JSON cannot hold: the command line can
  }
}

namespace {

ExtractArguments from_record(const FeatureFileReader& file) try {
  const auto json = nlohmann::ordered_json::parse(file.info().options);
  ExtractArguments made;
  made.common.seed = file.info().seed;
  json.at("images").get_to(made.images);
  cli::from_json(json, made.input);
  cli::from_json(json, made.options);
  cli::from_json(json, made.statistics);
  cli::from_json(json, made.features);
  return made;
} catch (const std::exception& e) {
  throw FileError(file.path(), "its attribute options is damaged: ", e.what());
}

ExtractArguments from_command_line(const FeatureFileReader& file) {
  const std::vector<std::string> words = cli::split_words(file.info().command_line);
  ExtractArguments made;
  if (!words.empty()) {
    cli::CommandLine line("dcgan-extract", words);
    if (made.parse(line)) return made;
  }
  throw FileError(file.path(), "its command line is \"", file.info().command_line, "\", no extraction.");
}

}  // namespace

ExtractArguments arguments_of(const FeatureFileReader& file) {
  const FeatureFileInfo& info = file.info();
  ExtractArguments made = info.options.empty() ? from_command_line(file) : from_record(file);
  made.features.layers = info.layers;
  made.features.grid = info.grid;
  // What was done is in the preprocessing, whoever chose it.
  const auto preprocessing = nlohmann::json::parse(info.preprocessing, nullptr, /*allow_exceptions=*/false);
  const nlohmann::json::json_pointer filter("/resize/resize");
  if (preprocessing.is_object() && preprocessing.contains(filter) && preprocessing[filter].is_string()) {
    made.features.resize_is_chosen = from_name(preprocessing[filter].get<std::string>(), made.features.resize);
  }
  return made;
}

}  // namespace dcgan::extract_tool
