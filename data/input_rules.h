#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace dcgan::data {

/// Files that are no inputs and might have been meant to be, by kind.
class PassedOver {
 public:
  void add(const std::string& kind, int64_t files = 1) { kinds_[kind] += files; }
  const std::map<std::string, int64_t>& kinds() const { return kinds_; }
  int64_t files() const;
  /// "10 files passed over: 6 .heic, 3 __MACOSX, 1 JPEG without extension"; empty where there are none.
  std::string text() const;

 private:
  std::map<std::string, int64_t> kinds_;
};

/// The one place that decides which files below a folder or in an archive are inputs. What a user names is not asked
/// about here.
class InputRules {
 public:
  /// @param hidden  take what systems leave behind, too
  explicit InputRules(bool hidden) : hidden_(hidden) {}

  /// Kind of a file or folder that a system left: "._*", "__MACOSX", ".ipynb_checkpoints", ...; empty for others, and
  /// always if those are taken.
  /// @param path  below what was named
  std::string left_by_system(const std::string& path) const;

  /// Whether the file is an input: an image by its extension. Counts what is passed over: what a system left, if it
  /// would be an input otherwise, and images that are not read, by their extension or, where that says nothing, by
  /// their first bytes.
  /// @param first_bytes  up to kFirstBytes of the file; called only where the name says nothing
  bool takes(const std::string& path, const std::function<std::vector<uint8_t>()>& first_bytes);

  PassedOver passed_over;

 private:
  bool hidden_;
};

}  // namespace dcgan::data
