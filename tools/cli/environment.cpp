#include "tools/cli/environment.h"

#include "dcgan/errors.h"
#include "tools/cli/text_values.h"

namespace dcgan::cli {

int64_t number_of(const Environment& environment, const std::string& flag, const char* name, int64_t fallback) {
  const char* text = environment(name);
  if (text == nullptr && fallback >= 0) return fallback;
  if (text == nullptr) throw OptionError(flag, ": ", name, " is not set.");
  int64_t value = -1;
  try {
    from_text(flag, text, value);
  } catch (const OptionError&) {  // said below, with the variable's name
  }
  if (value < 0) throw OptionError(flag, ": ", name, " is \"", text, "\", expected a number.");
  return value;
}

bool wants_file_locks(const Environment& environment) {
  const char* text = environment("HDF5_USE_FILE_LOCKING");
  return text == nullptr || (std::string(text) != "FALSE" && std::string(text) != "0");
}

}  // namespace dcgan::cli
