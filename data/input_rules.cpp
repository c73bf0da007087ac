#include "data/input_rules.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "data/image_formats.h"
#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

// Folders of NAS, desktops and file systems: thumbnails, trash, what checks of a disk found.
const std::set<std::string_view>& system_folders() {
  static const std::set<std::string_view> names = {"__MACOSX",
                                                   "__macosx",
                                                   "@eaDir",
                                                   "@Recycle",
                                                   "@Recently-Snapshot",
                                                   "@__thumb",
                                                   "@tmp",
                                                   "@SynoEAStream",
                                                   "@SynoResource",
                                                   "@sharebin",
                                                   "#recycle",
                                                   "#snapshot",
                                                   "~snapshot",
                                                   "$RECYCLE.BIN",
                                                   "$Recycle.Bin",
                                                   "RECYCLER",
                                                   "System Volume Information",
                                                   "lost+found",
                                                   "LOST.DIR",
                                                   "FOUND.000",
                                                   "Network Trash Folder",
                                                   "Temporary Items",
                                                   "Thumbs.db",
                                                   "ehthumbs.db"};
  return names;
}

std::string kind_of_name(std::string_view name, bool is_folder) {
  if (system_folders().count(name) != 0) return std::string(name);
  if (name.empty() || name.front() != '.' || name == "." || name == "..") return "";
  if (name.substr(0, 2) == "._") return "._*";
  return is_folder ? std::string(name) : "hidden";
}

}  // namespace

int64_t PassedOver::files() const {
  int64_t sum = 0;
  for (const auto& [kind, count] : kinds_) sum += count;
  return sum;
}

std::string PassedOver::text() const {
  if (kinds_.empty()) return "";
  std::vector<std::pair<std::string, int64_t>> sorted(kinds_.begin(), kinds_.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string list;
  for (const auto& [kind, count] : sorted) list += text_of(list.empty() ? "" : ", ", count, " ", kind);
  return text_of(files(), files() == 1 ? " file" : " files", " passed over: ", list);
}

std::string InputRules::left_by_system(const std::string& path) const {
  if (hidden_) return "";
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    std::string kind = kind_of_name(std::string_view(path).substr(begin, end - begin), end < path.size());
    if (!kind.empty()) return kind;
    begin = end + 1;
  }
  return "";
}

bool InputRules::takes(const std::string& path, const std::function<std::vector<uint8_t>()>& first_bytes) {
  const NameSays said = name_says(path);
  const std::string left = left_by_system(path);
  if (!left.empty()) {
    if (said == NameSays::kRead || said == NameSays::kUnreadImage) passed_over.add(left);
    return false;
  }
  if (said == NameSays::kRead) return true;
  if (said == NameSays::kUnreadImage) passed_over.add("." + extension_of(path));
  if (said != NameSays::kNothing) return false;
  const std::vector<uint8_t> bytes = first_bytes();
  const std::string format = image_format_name({bytes.data(), bytes.size()});
  if (format.empty()) return false;
  const std::string extension = extension_of(path);
  passed_over.add(format + (extension.empty() ? " without extension" : " named ." + extension));
  return false;
}

}  // namespace dcgan::data
