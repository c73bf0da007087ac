#include "tools/explore/generator.h"

#include <algorithm>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/train_library.h"
#include "tools/cli/shipped_files.h"

namespace dcgan::explore_tool {

std::unique_ptr<ExploredNetworks> open_networks(const ModelFile& model, bool batch_statistics,
                                                const cli::CommonOptions& common) {
  return train_library("running a model's networks").explored_networks(model, {batch_statistics, common.device});
}

Generator::Generator(const GeneratorOptions& options, const cli::CommonOptions& common)
    : model(load_model(cli::model_file("--model", options.model))), options_(options), seed_(common.seed) {
  if (!model.has_generator) {
    throw FileError(options.model, "holds no generator; take a model that was written with its own.");
  }
  networks = open_networks(model, options.batch_statistics, common);
}

NamedNoise Generator::drawn(int64_t count, uint64_t seed) const {
  NamedNoise noise;
  noise.z = train_library("drawing noise").sample_noise(model.architecture, count, seed);
  for (int64_t i = 0; i < count; ++i) noise.names.push_back(std::to_string(i));
  return noise;
}

void Generator::add_facts(Results& results) const {
  results.facts["model-sha256"] = model.sha256;
  results.facts["statistics"] = options_.batch_statistics ? "batch" : "fixed";
}

std::vector<std::string> listed(const std::string& flag, const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
  if (!text.empty() && text.back() == ',') words.emplace_back();
  if (words.empty() || std::find(words.begin(), words.end(), "") != words.end()) {
    throw OptionError(flag, " is \"", text, "\"; it must be words with commas between them.");
  }
  return words;
}

std::vector<int64_t> rows_of(const NamedNoise& noise, const std::string& flag, const std::string& text) {
  std::vector<int64_t> rows;
  for (const std::string& word : listed(flag, text)) {
    const auto found = std::find(noise.names.begin(), noise.names.end(), word);
    const bool is_number = word.size() < 10 && word.find_first_not_of("0123456789") == word.npos;
    const int64_t row = found != noise.names.end() ? found - noise.names.begin() : is_number ? std::stoll(word) : -1;
    if (row < 0 || row >= noise.count()) {
      throw OptionError(flag, " names ", word, "; there are ", noise.count(), " rows of noise, ", noise.names.front(),
                        " to ", noise.names.back(), ".");
    }
    rows.push_back(row);
  }
  return rows;
}

NamedNoise chosen(const NamedNoise& noise, const std::vector<int64_t>& rows) {
  NamedNoise some;
  const int64_t nz = static_cast<int64_t>(noise.z.size()) / noise.count();
  for (const int64_t row : rows) {
    some.z.insert(some.z.end(), noise.z.begin() + row * nz, noise.z.begin() + (row + 1) * nz);
    some.names.push_back(noise.names[row]);
  }
  return some;
}

}  // namespace dcgan::explore_tool
