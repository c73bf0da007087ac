#include "tools/eval/memory_size.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "dcgan/errors.h"

namespace dcgan::tools {

int64_t memory_size(const std::string& flag, const std::string& text) {
  size_t digits = 0;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits]))) ++digits;
  const std::string unit = text.substr(digits);
  const int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : -1;
  if (digits == 0 || digits > 12 || shift < 0) {
    throw OptionError("--" + flag + " is \"" + text + "\"; it must be a number of bytes, or of K, M or G, such as 2G.");
  }
  const int64_t number = std::stoll(text.substr(0, digits));
  if (number == 0 || number > (std::numeric_limits<int64_t>::max() >> shift)) {
    throw OptionError("--" + flag + " is " + text + "; it must be positive and fit into 63 bits.");
  }
  return number << shift;
}

int64_t memory_for_rows(int64_t max_memory, int64_t columns) {
  // The program itself, the buffers of the file and the weights stay below this.
  const int64_t rest = (int64_t{200} << 20) + 2000 * columns;
  return std::max(max_memory / 4, max_memory - rest);
}

}  // namespace dcgan::tools
