#pragma once

#include <string>

#include "dcgan/export.h"

// Texts as other systems and programs leave them.
namespace dcgan {

/// JSON (of nlohmann's library) as text. Names of files may be any bytes; those that are no UTF-8, which JSON cannot
/// hold, become U+FFFD.
template <class Json>
std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

/// A name as it is compared with others: composed (Unicode's normalisation form C), since macOS writes names decomposed
/// and other systems composed. Bytes that are no UTF-8 are returned as they are.
DCGAN_EXPORT std::string composed(const std::string& name);

/// The beginning of a text file, or all of it, without the mark that editors on Windows put in front of UTF-8.
/// @param file  for the message
/// @throws FileError for UTF-16 and UTF-32, with the command that makes UTF-8 of it
DCGAN_EXPORT std::string without_byte_order_mark(std::string text, const std::string& file);

}  // namespace dcgan
