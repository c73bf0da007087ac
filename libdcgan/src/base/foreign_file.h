#pragma once

#include <string>

#include "dcgan/export.h"

namespace dcgan {

/// Of a file whose content is not what was expected: what it is instead, with what to do, where its first bytes say so.
/// What downloads leave under any name: a pointer of Git LFS, a web page, an empty file, a gzip.
/// @return "is a web page (HTML), ..."; empty: not known
DCGAN_EXPORT std::string foreign_content(const std::string& path);
/// The same of the first bytes of a file, 512 or as many as it has.
DCGAN_EXPORT std::string foreign_start(std::string start);

/// @throws FileError with foreign_content(), if it knows any
DCGAN_EXPORT void refuse_foreign(const std::string& path);

}  // namespace dcgan
