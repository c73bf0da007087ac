#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dcgan/network_import.h"

// Networks of others in tests/golden/networks, which golden/make_networks.py wrote with PyTorch's values for them.
namespace dcgan::test {

constexpr std::array kGoldenNetworks = {"pytorch64",  "pytorch128", "five64",       "tensorflow64", "grey28",
                                        "spectral32", "critic64",   "pytorchgan32", "own48",        "instance64"};
constexpr int64_t kGoldenImages = 2;

inline std::string golden_network(const std::string& name) { return DCGAN_SOURCE_DIR "/tests/golden/networks/" + name; }

/// Of each network "size", "logits" and "features" for kGoldenImages.
inline const nlohmann::json& golden_values() {
  static const nlohmann::json all = nlohmann::json::parse(std::ifstream(golden_network("values.json")));
  return all;
}

inline std::vector<uint8_t> golden_pixels(int64_t size) {
  std::vector<uint8_t> pixels(static_cast<size_t>(kGoldenImages * size * size * 3));
  for (size_t k = 0; k < pixels.size(); ++k) pixels[k] = static_cast<uint8_t>((k * k / 7 + k * 31) % 256);
  return pixels;
}

/// What must be said of a network before it is found: nothing, but of own48, which is of no family.
inline NetworkFacts facts_of(const std::string& name) {
  NetworkFacts facts;
  if (name != "own48") return facts;
  facts.architecture.network =
      "conv 7 2 3; bn 1e-3; lrelu 0.3; conv 3 1 1; relu; maxpool 2; conv 4 2 1; bn 1e-5; lrelu 0.3; flatten; dense; "
      "lrelu 0.3; dense to 1";
  facts.architecture.input.order = ChannelOrder::kBgr;
  facts.architecture.input.mean = {0.485, 0.456, 0.406};
  facts.architecture.input.deviation = {0.229, 0.224, 0.225};
  facts.input_known = true;
  return facts;
}

/// @param names  golden networks' files, or paths
inline std::vector<StateDictReader> read_networks(const std::vector<std::string>& names) {
  std::vector<StateDictReader> files;
  for (const std::string& name : names) {
    files.emplace_back(name.find('/') == std::string::npos ? golden_network(name) : name);
  }
  return files;
}

inline FoundNetwork found(const std::vector<std::string>& names, const NetworkFacts& facts = {}) {
  return find_network(read_networks(names), facts);
}

inline ModelFile model_of(const std::vector<StateDictReader>& files, const NetworkFacts& facts) {
  const FoundNetwork network = find_network(files, facts);
  StateDictOptions options;
  options.architecture = network.architecture;
  options.mapping = network.mapping;
  options.turned = network.turned;
  return model_from_state_dicts(files, options);
}

inline ModelFile imported(const std::vector<std::string>& names, const NetworkFacts& facts = {}) {
  return model_of(read_networks(names), facts);
}

}  // namespace dcgan::test
