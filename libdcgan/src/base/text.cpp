#include "dcgan/text.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <string_view>

#include "dcgan/errors.h"

namespace dcgan {

std::string composed(const std::string& name) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(name.data()), static_cast<utf8proc_ssize_t>(name.size()),
                   &result, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, std::free);
  return size < 0 ? name : std::string(reinterpret_cast<const char*>(result), static_cast<size_t>(size));
}

std::string without_byte_order_mark(std::string text, const std::string& file) {
  const std::string_view start = std::string_view(text).substr(0, 4096);
  const bool marked = start.substr(0, 2) == "\xFF\xFE" || start.substr(0, 2) == "\xFE\xFF";
  if (marked || start.find('\0') != std::string_view::npos) {
    throw FileError(file,
                    "is in UTF-16 or UTF-32, expected UTF-8; save it as UTF-8, or convert it: iconv -f UTF-16 -t "
                    "UTF-8 FILE > NEW.");
  }
  if (start.substr(0, 3) == "\xEF\xBB\xBF") text.erase(0, 3);
  return text;
}

}  // namespace dcgan
