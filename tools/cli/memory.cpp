#include "tools/cli/memory.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <limits>

#include "dcgan/errors.h"
#include "parallel/control_groups.h"

namespace dcgan::cli {

int64_t memory_size(const std::string& flag, const std::string& text) {
  size_t digits = 0;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits]))) ++digits;
  const std::string unit = text.substr(digits);
  const int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : -1;
  if (digits == 0 || digits > 12 || shift < 0) {
    throw OptionError("--", flag, " is \"", text, "\"; it must be a number of bytes, or of K, M or G, such as 2G.");
  }
  const int64_t number = std::stoll(text.substr(0, digits));
  if (number == 0 || number > (std::numeric_limits<int64_t>::max() >> shift)) {
    throw OptionError("--", flag, " is ", text, "; it must be positive and fit into 63 bits.");
  }
  return number << shift;
}

int64_t available_memory(const std::string& root) {
  int64_t bytes = std::numeric_limits<int64_t>::max();
  std::ifstream kernel(root + "/proc/meminfo");
  for (std::string line; std::getline(kernel, line);) {
    const std::string name = "MemAvailable:";
    if (line.compare(0, name.size(), name) == 0) bytes = std::stoll(line.substr(name.size())) << 10;
  }
  return std::min(bytes, parallel::group_limits(root).memory_bytes);
}

}  // namespace dcgan::cli
