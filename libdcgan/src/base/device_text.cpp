#include "base/device_text.h"

#include <charconv>

#include "dcgan/errors.h"

namespace dcgan {

DeviceText parse_device(const std::string& text) {
  using Kind = DeviceText::Kind;
  if (text == "auto") return {Kind::kAuto, {}};
  if (text == "cpu") return {Kind::kCpu, {}};
  if (text == "cuda") return {Kind::kCuda, {}};
  int index = 0;
  const char* const end = text.data() + text.size();
  if (text.rfind("cuda:", 0) == 0) {
    const auto [stop, error] = std::from_chars(text.data() + 5, end, index);
    if (stop == end && error == std::errc() && index >= 0) return {Kind::kCuda, index};
  }
  throw OptionError("--device is \"", text, "\"; it must be auto, cpu, cuda or cuda:N.");
}

}  // namespace dcgan
