#include <filesystem>
#include <nlohmann/json.hpp>

#include "dcgan/feature_file.h"
#include "tools/cli/command_line.h"
#include "tools/extract/commands.h"

namespace dcgan::extract_tool {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const std::string& text) {
  return text.empty() ? ordered_json::object() : ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
}

ordered_json facts_of(const FeatureFileReader& file) {
  const FeatureFileInfo& info = file.info();
  ordered_json facts = {{"file", file.path()},
                        {"bytes", std::filesystem::file_size(file.path())},
                        {"rows", file.rows()},
                        {"features", file.feature_count()},
                        {"storage", to_name(info.storage)},
                        {"failures", file.failures().size()},
                        {"layers", info.layers},
                        {"layer-offsets", info.layer_offsets},
                        {"grid", info.grid},
                        {"classes", info.classes},
                        {"model-sha256", info.model_sha256},
                        {"architecture", json_of(info.architecture)},
                        {"preprocessing", json_of(info.preprocessing)},
                        {"seed", info.seed}};
  if (info.inputs.count < info.inputs.total) {  // a part of a larger list
    facts["inputs"] = {{"first", info.inputs.first}, {"count", info.inputs.count}, {"total", info.inputs.total}};
  }
  facts["options"] = json_of(info.options);
  facts["command-line"] = info.command_line;
  return facts;
}

}  // namespace

int info_command(cli::CommandLine& line) {
  std::string file;
  line.about("Says what a feature file holds and how it was made.", "photos.h5");
  line.without({"threads", "device", "seed", "progress-every"});
  line.one(file, "FILE.h5", "feature file");
  if (!line.parse()) return 0;
  const ordered_json facts = facts_of(FeatureFileReader(file));
  cli::print_result(line.common(), facts, cli::lines_of(facts));
  return 0;
}

}  // namespace dcgan::extract_tool
