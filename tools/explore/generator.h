#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/array_file.h"
#include "dcgan/explored_networks.h"
#include "dcgan/model_file.h"
#include "tools/explore/results.h"

namespace dcgan::explore_tool {

/// What a subcommand makes images with, and of what.
struct GeneratorOptions {
  std::string model;
  std::string z;
  bool batch_statistics = false;
};

template <class Visitor>
void describe(GeneratorOptions& o, Visitor&& f) {
  f(o.model, "model", "model file (.safetensors) with a generator, or a run folder");
  f(o.z, "z", "HDF5 file with the noise: /z [N, Z] and /names, as samples writes it; default: drawn by --seed");
  f(o.batch_statistics, "batch-statistics",
    "normalise with the statistics of the images that are made together, as the authors do, rather than with the "
    "model's fixed ones, with which an image depends on its own noise alone");
}

/// A model's generator, opened.
class Generator {
 public:
  /// @throws FileError where the file has no generator
  Generator(const GeneratorOptions& options, const cli::CommonOptions& common);

  /// `count` rows drawn by the seed; their names are their numbers.
  NamedNoise drawn(int64_t count) const { return drawn(count, seed_); }
  NamedNoise drawn(int64_t count, uint64_t seed) const;
  /// The noise of --z, or where that was not given drawn(count).
  NamedNoise noise(int64_t count) const { return options_.z.empty() ? drawn(count) : load_noise(options_.z, nz()); }
  ImageBatch images(const std::vector<float>& z) const { return networks->images(z); }
  int64_t nz() const { return model.architecture.nz; }
  /// What the generator is, for COMMAND.json.
  void add_facts(Results& results) const;

  ModelFile model;
  std::unique_ptr<ExploredNetworks> networks;

 private:
  GeneratorOptions options_;
  uint64_t seed_;
};

/// The networks of a model by LibTorch. @throws NoTrainLibrary
std::unique_ptr<ExploredNetworks> open_networks(const ModelFile& model, bool batch_statistics,
                                                const cli::CommonOptions& common);

/// "3,seven,12": rows of noise by name, or by number where no row has that name.
/// @throws OptionError for one that is not there
std::vector<int64_t> rows_of(const NamedNoise& noise, const std::string& flag, const std::string& text);

/// The words between commas. @throws OptionError for an empty one
std::vector<std::string> listed(const std::string& flag, const std::string& text);

/// Those rows, in that order.
NamedNoise chosen(const NamedNoise& noise, const std::vector<int64_t>& rows);

}  // namespace dcgan::explore_tool
