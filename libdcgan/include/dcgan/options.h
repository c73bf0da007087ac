#pragma once

#include <array>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "dcgan/errors.h"

namespace dcgan {

// Each option is named once. An options struct has a function
//
//   template <class Visitor>
//   void describe(TrainOptions& o, Visitor&& f) {
//     f(o.batch_size, "batch-size", "images per step");
//   }
//
// that hands each field to the visitor with its flag and its help text. Command line, INI file, JSON record and log are
// visitors. Field types: bool, int64_t, uint64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
// and enumerations that specialise EnumNames.

/// @throws OptionError "--flag is value; it must be rule." unless `holds`.
template <class T>
void require_option(bool holds, const std::string& flag, const T& value, const std::string& rule) {
  if (holds) return;
  std::ostringstream text;
  text << "--" << flag << " is " << value << "; it must be " << rule << ".";
  throw OptionError(text.str());
}

/// The names of an enumeration's values, in order of their integer values from 0:
///   template <> struct EnumNames<Schedule> { static constexpr std::array<std::string_view, 2> kNames = {"a", "b"}; };
template <class E>
struct EnumNames;

template <class E>
std::string to_name(E value) {
  return std::string(EnumNames<E>::kNames.at(static_cast<size_t>(value)));
}

/// @return whether `name` is one of the enumeration's; sets `value` if so.
template <class E>
bool from_name(std::string_view name, E& value) {
  for (size_t i = 0; i < EnumNames<E>::kNames.size(); ++i) {
    if (EnumNames<E>::kNames[i] == name) {
      value = static_cast<E>(i);
      return true;
    }
  }
  return false;
}

}  // namespace dcgan
