#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "base/json_value.h"
#include "dcgan/errors.h"
#include "dcgan/options.h"

namespace dcgan {

/// An options struct as a JSON object, keys as the flags; enumerations by name.
template <class Options>
nlohmann::ordered_json options_to_json(Options options) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  describe(options, [&](auto& field, const char* flag, const char* /*help*/) {
    if constexpr (std::is_enum_v<std::decay_t<decltype(field)>>) {
      object[flag] = to_name(field);
    } else {
      object[flag] = field;
    }
  });
  return object;
}

/// The inverse. Missing keys take the defaults. @throws Error naming a key that is unknown or of the wrong type.
template <class Options>
Options options_from_json(const nlohmann::ordered_json& object) {
  if (!object.is_object()) throw Error("options are no JSON object.");
  Options options;
  std::string known;
  size_t used = 0;
  describe(options, [&](auto& field, const char* flag, const char* /*help*/) {
    using Field = std::decay_t<decltype(field)>;
    known += (known.empty() ? "" : ", ") + std::string(flag);
    const auto found = object.find(flag);
    if (found == object.end()) return;
    ++used;
    try {
      if constexpr (std::is_enum_v<Field>) {
        if (!from_name(found->template get<std::string>(), field)) throw Error("");
      } else {
        field = json_value<Field>(*found);
      }
    } catch (const std::exception&) {
      throw Error("option \"", std::string(flag), "\" is ", found->dump(), ", which is no value of it.");
    }
  });
  if (used != object.size()) {
    for (const auto& [key, value] : object.items()) {
      if ((", " + known + ",").find(", " + key + ",") == std::string::npos) {
        throw Error("option \"", key, "\" is unknown; known ones: ", known, ".");
      }
    }
  }
  return options;
}

}  // namespace dcgan
