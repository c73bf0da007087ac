#include "tools/cli/shipped_files.h"

#include <set>
#include <system_error>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/model_file.h"

namespace dcgan::cli {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> folders_of(const ShippedFiles& files) {
  return {fs::read_symlink("/proc/self/exe").parent_path() / "../share/dcgan" / files.installed,
          fs::path(DCGAN_SOURCE_DIR) / files.source};
}

/// Calls use() with each.
template <class Use>
void for_each_file(const ShippedFiles& files, const Use& use) {
  for (const fs::path& folder : folders_of(files)) {
    std::error_code missing;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, missing)) {
      if (entry.path().extension() == files.extension) use(entry.path());
    }
  }
}

}  // namespace

std::string shipped_file(const ShippedFiles& files, const std::string& option, const std::string& wanted) {
  if (wanted.find_first_of("/.") != std::string::npos || fs::is_regular_file(wanted)) return wanted;
  for (const fs::path& folder : folders_of(files)) {
    const fs::path file = folder / (wanted + files.extension);
    if (fs::exists(file)) return file.lexically_normal();
  }
  std::set<std::string> names;
  for_each_file(files, [&](const fs::path& file) { names.insert(file.stem()); });
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? ": " : ", ") + name;
  throw OptionError(option, " is \"", wanted, "\", neither a file nor a ", files.what, " of this project", known, ".");
}

std::string shipped_model_of(const std::string& sha256) {
  std::string found;
  for_each_file(kModels, [&](const fs::path& file) {
    if (found.empty() && load_model(file).sha256 == sha256) found = file.lexically_normal();
  });
  return found;
}

std::string model_file(const std::string& option, const std::string& wanted) {
  const fs::path of_run = fs::path(wanted) / "model.safetensors";
  if (fs::exists(of_run)) return of_run;
  if (fs::is_directory(wanted)) {
    throw FileError(wanted,
                    "is a folder without model.safetensors; name a model file, or the run folder of a training.");
  }
  return shipped_file(kModels, option, wanted);
}

}  // namespace dcgan::cli
