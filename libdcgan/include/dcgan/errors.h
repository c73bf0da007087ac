#pragma once

#include <stdexcept>
#include <string>

#include "dcgan/export.h"

namespace dcgan {

/// The one exception type of the library. The message is one line that names the file or option, what was found,
/// what was expected and what to do.
class DCGAN_EXPORT Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A wrong option or argument; the programs end with exit code 2.
class DCGAN_EXPORT OptionError : public Error {
 public:
  using Error::Error;
};

/// A file that is missing, damaged, of another kind, or cannot be written.
class DCGAN_EXPORT FileError : public Error {
 public:
  /// The message is "`path`: `problem`".
  FileError(const std::string& path, const std::string& problem);
};

}  // namespace dcgan
