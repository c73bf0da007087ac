#include "dcgan/errors.h"

namespace dcgan {

FileError::FileError(const std::string& path, const std::string& problem) : Error(path + ": " + problem) {}

}  // namespace dcgan
