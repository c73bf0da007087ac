#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "dcgan/export.h"

namespace dcgan {

/// Texts, characters and numbers (as std::to_string writes them), one behind the other.
template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::string text;
  const auto add = [&text](const auto& part) {
    using Part = std::decay_t<decltype(part)>;
    if constexpr (std::is_same_v<Part, char>) {
      text += part;
    } else if constexpr (std::is_arithmetic_v<Part>) {
      text += std::to_string(part);
    } else {
      text += std::string_view(part);
    }
  };
  (add(parts), ...);
  return text;
}

/// Kinds of failures, by the numbers of dcgan_status (dcgan/c_api.h).
enum class ErrorCode {
  kFailed = 1,  ///< what no other code says
  kWrongArgument = 2,
  kBadFile = 3,   ///< missing, damaged, of another kind, or cannot be written
  kBadImage = 4,  ///< bytes that give no image
  kNoMemory = 5,
  kStopped = 6  ///< because somebody asked for it
};

/// The one exception type of the library, with a code and a message: one line that names the file or option, what was
/// found, what was expected and what to do. The classes below are short for common codes.
class DCGAN_EXPORT Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message);
  /// Composes the message: Error("has ", rows, " rows").
  template <class First, class Second, class... More>
  Error(const First& first, const Second& second, const More&... more) : Error(text_of(first, second, more...)) {}
  template <class First, class... More>
  Error(ErrorCode code, const First& first, const More&... more) : Error(text_of(first, more...)) {
    code_ = code;
  }

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_ = ErrorCode::kFailed;
};

/// ErrorCode::kWrongArgument of an option that somebody gave; the programs end with exit code 2.
class DCGAN_EXPORT OptionError : public Error {
 public:
  template <class First, class... More>
  explicit OptionError(const First& first, const More&... more) : Error(ErrorCode::kWrongArgument, first, more...) {}
};

/// ErrorCode::kBadFile.
class DCGAN_EXPORT FileError : public Error {
 public:
  /// The message is "`path`: `problem`".
  FileError(const std::string& path, const std::string& problem);
  template <class First, class Second, class... More>
  FileError(const std::string& path, const First& first, const Second& second, const More&... more)
      : FileError(path, text_of(first, second, more...)) {}
};

}  // namespace dcgan
