#include "tools/shared/network_option.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/layers.h"
#include "tools/cli/options_json.h"

namespace dcgan::tools {
namespace {

using nlohmann::ordered_json;

std::string steps_in(const std::string& path, const ordered_json& list) {
  std::vector<std::string> steps;
  for (const auto& step : list) {
    if (!step.is_string()) throw FileError(path, "holds ", step.dump(), " in a list of layers; expected texts.");
    steps.push_back(step);
  }
  return joined_steps(steps);
}

void read_network(std::string& network, const char* flag, ArchitectureOptions& options) {
  std::error_code no_file;
  if (network.empty() || !std::filesystem::is_regular_file(network, no_file)) return;
  const std::string path = network;
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  if (!file) throw FileError(path, "cannot be read.");
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) throw FileError(path, "is empty; expected a list of layers.");
  if (text[first] != '{' && text[first] != '[') {
    network = text;
    return;
  }
  ordered_json json = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_array()) {
    network = steps_in(path, json);
    return;
  }
  if (!json.is_object() || !json.contains(flag)) {
    throw FileError(path, "is no JSON with a \"", flag, "\"; expected an array of steps, or an object with one.");
  }
  for (auto& [key, value] : json.items()) {
    if (value.is_array() && (key == "network" || key == "generator-network")) value = steps_in(path, value);
  }
  try {
    cli::from_json(json, options);
  } catch (const Error& error) {
    throw FileError(path, "is no description of a network: ", error.what());
  }
}

}  // namespace

void read_networks(ArchitectureOptions& options) {
  read_network(options.network, "network", options);
  read_network(options.generator_network, "generator-network", options);
}

}  // namespace dcgan::tools
