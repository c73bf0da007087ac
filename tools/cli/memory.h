#pragma once

#include <cstdint>
#include <string>

namespace dcgan::cli {

/// Bytes of "2G", "500M", "100000": K, M and G are powers of 1,024. @throws OptionError naming the flag.
int64_t memory_size(const std::string& flag, const std::string& text);

/// Bytes that new data may take: what the kernel calls available, or the limit of the control groups (group_limits())
/// where that is less.
/// @param root  of /proc and /sys, for tests
int64_t available_memory(const std::string& root = "");

}  // namespace dcgan::cli
