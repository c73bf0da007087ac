#pragma once

#include <cstdint>
#include <string>

namespace dcgan::tools {

/// Bytes of "2G", "500M", "100000": K, M and G are powers of 1,024. @throws OptionError naming the flag.
int64_t memory_size(const std::string& flag, const std::string& text);

/// Of so much memory for everything, what the rows of training may take.
int64_t memory_for_rows(int64_t max_memory, int64_t columns);

}  // namespace dcgan::tools
