#include "tools/cli/output.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
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

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return;
  const bool is_file = error == std::errc::not_a_directory || error == std::errc::file_exists;
  throw FileError(folder, is_file ? "is no folder, or lies in a file; name another one."
                                  : "cannot be made: " + error.message() + "; name another folder.");
}

void make_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) make_folder(folder);
}

void require_free(const std::string& path, bool overwrite) {
  if (!overwrite && std::filesystem::exists(path)) throw FileError(path, "exists; --overwrite replaces it.");
}

void write_text_file(const std::string& path, const std::string& text) {
  const std::string partial = path + ".partial";
  std::ofstream file(partial, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw FileError(partial, "cannot be written: " + std::string(std::strerror(errno)) + ".");
  std::filesystem::rename(partial, path);
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
