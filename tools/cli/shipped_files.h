#pragma once

#include <filesystem>
#include <string>

namespace dcgan::cli {

/// Files of one kind that ship with the project: installed in share/dcgan beside the programs, or in the sources.
struct ShippedFiles {
  const char* what;       ///< "recipe", for messages
  const char* installed;  ///< folder below share/dcgan
  const char* source;     ///< folder below the sources
  const char* extension;  ///< ".ini"
};

inline constexpr ShippedFiles kRecipes = {"recipe", "recipes", "tools/recipes", ".ini"};
inline constexpr ShippedFiles kModels = {"model", "models", "data/models", ".safetensors"};
inline constexpr const char* kDefaultModel = "tiny-imagenet32-contrastive";

/// The path of a file that is given by its path, or by the name of one that ships with the project. A path is what
/// exists, or has a slash or a dot in it.
/// @param option  that names it, such as "--model"
/// @throws OptionError that lists the names there are
std::string shipped_file(const ShippedFiles& files, const std::string& option, const std::string& wanted);

/// The same for a model, where a run folder stands for its model.safetensors.
/// @throws FileError for another folder
std::string model_file(const std::string& option, const std::string& wanted);

/// The path of the model that ships with the project and has this SHA-256; empty if none has.
std::string shipped_model_of(const std::string& sha256);

}  // namespace dcgan::cli
