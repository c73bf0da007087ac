#include "tools/cli/text_values.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace dcgan::cli {
namespace {

[[noreturn]] void refuse(const std::string& flag, const std::string& text, const std::string& expected) {
  throw OptionError("--", flag, " is \"", text, "\"; it must be ", expected, ".");
}

template <class Number>
Number parse_whole_number(const std::string& flag, const std::string& text, const std::string& expected) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) refuse(flag, text, expected);
  return value;
}

}  // namespace

std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    constexpr const char* kDigits = "0123456789abcdef";
    if (c == '\n') {
      line += "\\n";
    } else if (byte < ' ' || byte == 0x7F) {
      line += std::string("\\x") + kDigits[byte >> 4] + kDigits[byte & 15];
    } else {
      line += c;
    }
  }
  return line;
}

std::string to_text(bool value) { return value ? "true" : "false"; }
std::string to_text(int64_t value) { return std::to_string(value); }
std::string to_text(uint64_t value) { return std::to_string(value); }
std::string to_text(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;  // the shortest text that reads back the same
  return std::string(text, end);
}
std::string to_text(const std::string& value) { return value; }

void from_text(const std::string& flag, const std::string& text, bool& value) {
  if (text != "true" && text != "false" && text != "1" && text != "0") refuse(flag, text, "true or false");
  value = text == "true" || text == "1";
}
void from_text(const std::string& flag, const std::string& text, int64_t& value) {
  value = parse_whole_number<int64_t>(flag, text, "a whole number");
}
void from_text(const std::string& flag, const std::string& text, uint64_t& value) {
  value = parse_whole_number<uint64_t>(flag, text, "a whole number, 0 or more");
}
void from_text(const std::string& flag, const std::string& text, double& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end || !std::isfinite(value)) refuse(flag, text, "a number");
}
void from_text(const std::string&, const std::string& text, std::string& value) { value = text; }

std::string number_text(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::vector<std::string> parts_of(const std::string& flag, const std::string& text) {
  std::vector<std::string> parts;
  std::stringstream all(text + (text.empty() ? "" : ","));
  for (std::string part; std::getline(all, part, ',');) {
    if (part.empty()) refuse(flag, text, "a list with a comma between two values and none elsewhere");
    parts.push_back(part);
  }
  return parts;
}

}  // namespace dcgan::cli
