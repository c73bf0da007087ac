#include "tools/cli/output.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "dcgan/text.h"
#include "tools/cli/command_line.h"

namespace dcgan::cli {
namespace {

std::string indented_lines(const nlohmann::ordered_json& object, const std::string& indent) {
  constexpr size_t kColumn = 26;
  std::string text;
  for (const auto& [key, value] : object.items()) {
    const std::string start = indent + key;
    if (value.is_object() && !value.empty()) {
      text += start + "\n" + indented_lines(value, indent + "  ");
      continue;
    }
    const std::string shown = value.is_string()   ? value.get<std::string>()
                              : value.is_object() ? "none"
                                                  : json_text(value);
    text += start + std::string(kColumn - std::min(kColumn - 1, start.size()), ' ') + shown + "\n";
  }
  return text;
}

}  // namespace

namespace fs = std::filesystem;

namespace {
std::vector<fs::path> made_folders;  // the innermost first
}

OutputMode Output::mode() const {
  if (resume && overwrite) throw OptionError("--resume goes on, --overwrite starts anew; choose one.");
  return resume ? OutputMode::kResume : overwrite ? OutputMode::kOverwrite : OutputMode::kCreate;
}

void Output::require_given() const {
  mode();
  if (path.empty()) throw OptionError("-o is missing; it names the ", what, ".");
}

void Output::require_free() const {
  require_given();
  cli::require_free(path, overwrite);
  make_folder_of(path);
}

void make_folder(const std::string& folder) {
  std::vector<fs::path> missing;
  for (fs::path part = folder; !part.empty() && !fs::exists(part); part = part.parent_path()) missing.push_back(part);
  std::error_code error;
  fs::create_directories(folder, error);
  made_folders.insert(made_folders.begin(), missing.begin(), missing.end());
  if (!error) return;
  const bool is_file = error == std::errc::not_a_directory || error == std::errc::file_exists;
  throw FileError(folder, is_file ? "is no folder, or lies in a file; name another one."
                                  : "cannot be made: " + error.message() + "; name another folder.");
}

void make_folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty()) make_folder(folder);
}

void remove_empty_folders() {
  std::error_code not_empty;
  for (const fs::path& folder : made_folders) fs::remove(folder, not_empty);
}

void require_free(const std::string& path, bool overwrite) {
  output_target(path);  // refuses what is no file
  if (!overwrite && fs::exists(path)) throw FileError(path, "exists; --overwrite replaces it.");
}

std::string lines_of(const nlohmann::ordered_json& object) { return indented_lines(object, ""); }

void print_result(const CommonOptions& common, const nlohmann::ordered_json& json, const std::string& text) {
  if (common.json) {
    std::cout << json_text(json) << "\n";
  } else {
    std::cout << text;
  }
}

}  // namespace dcgan::cli
