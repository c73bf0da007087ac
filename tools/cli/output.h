#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "dcgan/output_mode.h"

namespace dcgan::cli {

struct CommonOptions;

/// The file that a command makes.
struct Output {
  std::string path;
  bool overwrite = false;
  bool resume = false;
  std::string what;  ///< "packed file to make"

  /// @throws OptionError where --resume and --overwrite are both set
  OutputMode mode() const;
  /// Before anything long is done. @throws OptionError where -o is missing, or as mode()
  void require_given() const;
  /// Makes its folder, too. @throws as require_given(), and FileError where the file exists and is not to be replaced
  void require_free() const;
};

/// Makes a folder, where it is not there. @throws FileError that says why it cannot be made
void make_folder(const std::string& folder);
/// Makes the folder that a file comes into.
void make_folder_of(const std::string& path);
/// Removes what make_folder_of() has made and nothing came into: a command that is refused leaves nothing behind.
void remove_empty_folders();

/// @throws FileError "exists; --overwrite replaces it."
void require_free(const std::string& path, bool overwrite);

/// One line for each value of an object, objects within objects indented.
std::string lines_of(const nlohmann::ordered_json& object);

/// The result of a command on stdout: with --json the object, on one line, otherwise the text.
void print_result(const CommonOptions& common, const nlohmann::ordered_json& json, const std::string& text);

}  // namespace dcgan::cli
