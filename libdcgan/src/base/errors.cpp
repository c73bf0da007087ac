#include "dcgan/errors.h"

namespace dcgan {

Error::Error(const std::string& message) : std::runtime_error(message) {}
FileError::FileError(const std::string& path, const std::string& problem)
    : Error(ErrorCode::kBadFile, path, ": ", problem) {}

}  // namespace dcgan
