#include "tools/cli/output.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "tools/cli/command_line.h"

namespace dcgan::cli {

OutputMode Output::mode() const {
  if (resume && overwrite) throw OptionError("--resume goes on, --overwrite starts anew; choose one.");
  return resume ? OutputMode::kResume : overwrite ? OutputMode::kOverwrite : OutputMode::kCreate;
}

void Output::require_given() const {
  mode();
  if (path.empty()) throw OptionError("-o is missing; it names the " + what + ".");
}

void Output::require_free() const {
  require_given();
  cli::require_free(path, overwrite);
  make_folder_of(path);
}

void make_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder);
}

void require_free(const std::string& path, bool overwrite) {
  if (!overwrite && std::filesystem::exists(path)) throw FileError(path, "exists; --overwrite replaces it.");
}

void print_result(const CommonOptions& common, const nlohmann::ordered_json& json, const std::string& text) {
  if (common.json) {
    std::cout << json.dump() << "\n";
  } else {
    std::cout << text;
  }
}

}  // namespace dcgan::cli
