#pragma once

#include <memory>
#include <string>

#include "data/archive.h"

namespace dcgan::data {

/// A zip through libzip. Entries that are encrypted or symbolic links, or claim more than their bytes can hold, are
/// members with a failure. @throws FileError
std::unique_ptr<Archive> open_zip_archive(const std::string& path);

}  // namespace dcgan::data
