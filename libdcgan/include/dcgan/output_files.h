#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dcgan/export.h"

namespace dcgan {

/// Where the output `path` is written, its partial file and journal beside it: where a symbolic link leads to,
/// otherwise the path itself.
/// @throws FileError for what is there and is no regular file, such as a folder or a device
DCGAN_EXPORT std::string output_target(const std::string& path);

/// Refuses an output whose writing would destroy what it is made of: one of `inputs`, whatever it is called there
/// (links are compared by device and inode), is the output, its partial file, or lies beside that.
/// @param inputs  gives their paths, those that do not exist may be among them; called if something of the output
/// exists
/// @throws FileError that names both
DCGAN_EXPORT void refuse_own_input(const std::string& path, const std::function<std::vector<std::string>()>& inputs);

/// Makes a file of the text; it appears whole. @throws FileError
DCGAN_EXPORT void write_text_file(const std::string& path, const std::string& text);

}  // namespace dcgan
