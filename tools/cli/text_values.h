#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/options.h"

namespace dcgan::cli {

// Option values as text and back. from_text() throws OptionError that names the flag, the text and what is expected.

std::string to_text(bool value);
std::string to_text(int64_t value);
std::string to_text(uint64_t value);
std::string to_text(double value);
std::string to_text(const std::string& value);

void from_text(const std::string& flag, const std::string& text, bool& value);
void from_text(const std::string& flag, const std::string& text, int64_t& value);
void from_text(const std::string& flag, const std::string& text, uint64_t& value);
void from_text(const std::string& flag, const std::string& text, double& value);
void from_text(const std::string& flag, const std::string& text, std::string& value);

/// What --help writes for a value.
inline std::string value_name(bool) { return ""; }
inline std::string value_name(int64_t) { return "N"; }
inline std::string value_name(uint64_t) { return "N"; }
inline std::string value_name(double) { return "X"; }
inline std::string value_name(const std::string&) { return "TEXT"; }

// Lists, with commas.
/// The parts of a list. @throws OptionError for a part that is empty
std::vector<std::string> parts_of(const std::string& flag, const std::string& text);

template <class T>
std::string to_text(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ",") + to_text(value);
  return text;
}

template <class T>
void from_text(const std::string& flag, const std::string& text, std::vector<T>& values) {
  values.clear();
  for (const std::string& part : parts_of(flag, text)) from_text(flag, part, values.emplace_back());
}

template <class T>
std::string value_name(const std::vector<T>&) {
  return value_name(T()) + "," + value_name(T()) + ",..";
}

template <class E, class = std::enable_if_t<std::is_enum_v<E>>>
std::string value_name(E) {
  std::string names;
  for (const std::string_view name : EnumNames<E>::kNames) names += (names.empty() ? "" : "|") + std::string(name);
  return names;
}

template <class E, class = std::enable_if_t<std::is_enum_v<E>>>
std::string to_text(E value) {
  return to_name(value);
}

template <class E, class = std::enable_if_t<std::is_enum_v<E>>>
void from_text(const std::string& flag, const std::string& text, E& value) {
  if (!from_name(text, value)) {
    throw OptionError("--", flag, " is \"", text, "\"; it must be one of ", value_name(value), ".");
  }
}

/// A number as std::printf() writes it.
/// @param format  with one %g or the like, of less than 64 characters altogether
std::string number_text(const char* format, double value);

/// For a line of a terminal or a log: control characters, such as a newline in a file's name, as \n or \x1b.
std::string one_line(const std::string& text);

}  // namespace dcgan::cli
