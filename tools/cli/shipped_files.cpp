#include "tools/cli/shipped_files.h"

#include <set>
#include <system_error>

#include "dcgan/errors.h"

namespace dcgan::cli {

namespace fs = std::filesystem;

std::string shipped_file(const ShippedFiles& files, const std::string& option, const std::string& wanted) {
  if (wanted.find_first_of("/.") != std::string::npos || fs::is_regular_file(wanted)) return wanted;
  std::set<std::string> names;
  for (const fs::path& folder : {fs::read_symlink("/proc/self/exe").parent_path() / "../share/dcgan" / files.installed,
                                 fs::path(DCGAN_SOURCE_DIR) / files.source}) {
    const fs::path file = folder / (wanted + files.extension);
    if (fs::exists(file)) return file.lexically_normal();
    std::error_code missing;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, missing)) {
      if (entry.path().extension() == files.extension) names.insert(entry.path().stem());
    }
  }
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? ": " : ", ") + name;
  throw OptionError(option + " is \"" + wanted + "\", neither a file nor a " + files.what + " of this project" + known +
                    ".");
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
