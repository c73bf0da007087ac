#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace dcgan::cli {

/// The environment of the process; null where a variable is not set.
using Environment = std::function<const char*(const char* name)>;

/// A variable's number, 0 or more; `fallback` where it is not set.
/// @param flag      the option that asks for it, such as "--shard auto"
/// @param fallback  negative: the variable must be set
/// @throws OptionError with the flag and the variable's name
int64_t number_of(const Environment& environment, const std::string& flag, const char* name, int64_t fallback = -1);

/// Whether files are locked: not with HDF5_USE_FILE_LOCKING=FALSE (or 0), which HDF5 itself heeds, too.
bool wants_file_locks(const Environment& environment);

}  // namespace dcgan::cli
