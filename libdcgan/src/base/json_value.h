#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "dcgan/errors.h"

namespace dcgan {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

/// A JSON value as a T. Where whole numbers are asked for nothing else is one: nlohmann-json would cut 1.5 to 1, and
/// what it makes of 1e60 is undefined.
/// @throws Error, or nlohmann's, for a value of another kind
template <class T, class Json>
T json_value(const Json& json) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (!json.is_number_integer()) throw Error(json.dump() + " is no whole number.");
    return json.template get<T>();
  } else if constexpr (IsVector<T>::value) {
    if (!json.is_array()) throw Error(json.dump() + " is no list.");
    T values;
    for (const Json& value : json) values.push_back(json_value<typename T::value_type>(value));
    return values;
  } else {
    return json.template get<T>();
  }
}

}  // namespace dcgan
