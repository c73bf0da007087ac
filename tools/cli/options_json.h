#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "dcgan/options.h"

namespace dcgan::cli {

/// The fields of an options struct as members of a JSON object, with the names of their flags.
template <class Options>
void to_json(Options& options, nlohmann::ordered_json& json) {
  describe(options, [&](auto& field, const char* flag, const char* /*help*/) {
    if constexpr (std::is_enum_v<std::decay_t<decltype(field)>>) {
      json[flag] = to_name(field);
    } else {
      json[flag] = field;
    }
  });
}

/// The other way; a member that is missing leaves its field. @throws Error for one of another type
template <class Options>
void from_json(const nlohmann::ordered_json& json, Options& options) {
  describe(options, [&](auto& field, const char* flag, const char* /*help*/) {
    if (!json.contains(flag)) return;
    const auto& member = json[flag];
    bool good = true;
    if constexpr (std::is_enum_v<std::decay_t<decltype(field)>>) {
      good = member.is_string() && from_name(member.get<std::string>(), field);
    } else {
      const nlohmann::ordered_json kind = field;
      // An empty list and one of numbers have one type; a double may have been written without its point.
      good = kind.is_number() ? member.is_number() : kind.type() == member.type();
      if (good) member.get_to(field);
    }
    if (!good) throw Error("\"", std::string(flag), "\" is ", member.dump(), ".");
  });
}

}  // namespace dcgan::cli
