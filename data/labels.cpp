#include "data/labels.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "dcgan/errors.h"
#include "dcgan/text.h"

namespace dcgan::data {
namespace {

namespace fs = std::filesystem;

// A path of the list, and which of its part it is.
struct Entry {
  const std::string& path;
  const ImageList::Part& part;

  std::string below_named() const {
    return part.named.empty() ? fs::path(path).filename().string() : path.substr(part.skipped);
  }
};

// Calls use(number, entry) for all that may have a class: not for folders that failed.
template <class Use>
void for_each_image(const ImageList& list, const Use& use) {
  size_t part = 0;
  for (int64_t i = 0; i < list.count(); ++i) {
    while (part + 1 < list.parts.size() && list.parts[part + 1].first <= i) ++part;
    const std::string& path = list.paths[i];
    if (list.failed.empty() || list.failed.count(path) == 0) use(i, Entry{path, list.parts[part]});
  }
}

// "./cat//1.jpg" -> {cat}: the folders of a path.
std::vector<std::string> folders_of(const std::string& path) {
  std::vector<std::string> folders;
  for (size_t begin = 0, slash = 0; (slash = path.find('/', begin)) != std::string::npos; begin = slash + 1) {
    std::string name = path.substr(begin, slash - begin);
    if (name == "..") {
      if (!folders.empty()) folders.pop_back();
    } else if (!name.empty() && name != ".") {
      folders.push_back(std::move(name));
    }
  }
  return folders;
}

// How many folders hold everything, one in the other, until there are two or more beside each other.
size_t common_folders(const ImageList& list) {
  for (size_t depth = 0;; ++depth) {
    std::set<std::string> names;
    bool loose = false;
    for_each_image(list, [&](int64_t, const Entry& entry) {
      if (names.size() > 1) return;
      const std::vector<std::string> folders = folders_of(entry.below_named());
      if (folders.size() <= depth) {
        loose = true;
      } else {
        names.insert(folders[depth]);
      }
    });
    if (names.size() > 1) return depth;
    if (names.empty() || loose) return 0;
  }
}

// The names of the classes by `first`; empty for images in no folder.
std::vector<std::string> first_folders(ImageList& list) {
  std::vector<std::string> names(list.paths.size());
  const size_t depth = common_folders(list);
  std::string passed;
  for_each_image(list, [&](int64_t i, const Entry& entry) {
    const std::vector<std::string> folders = folders_of(entry.below_named());
    if (folders.size() > depth) names[i] = folders[depth];
    if (depth > 0 && passed.empty()) {
      for (size_t k = 0; k < depth; ++k) passed += folders[k] + "/";
    }
  });
  if (depth > 0) {
    list.notes.push_back(list.parts.front().named + ": everything lies in " + passed +
                         "; the classes are the folders in it.");
  }
  return names;
}

std::vector<std::string> parents(const ImageList& list) {
  std::vector<std::string> names(list.paths.size());
  // Of an image that lies directly in a named folder or archive, this is what it lies in.
  const fs::path named =
      has_archive_extension(list.root) ? fs::path(list.root).replace_extension() : fs::path(list.root);
  const std::string root = list.root.empty() ? "" : fs::absolute(named).lexically_normal().string() + "/";
  for_each_image(list, [&](int64_t i, const Entry& entry) {
    const std::vector<std::string> folders = folders_of(root + entry.path);
    if (!folders.empty()) names[i] = folders.back();
  });
  return names;
}

std::vector<std::string> from_table(const std::string& path, ImageList& list) {
  const std::vector<std::vector<std::string>> rows = read_csv(path);
  const auto column = [&](const char* name) {
    const auto found = std::find(rows.front().begin(), rows.front().end(), name);
    if (found != rows.front().end()) return static_cast<size_t>(found - rows.front().begin());
    std::string all;
    for (const std::string& heading : rows.front()) all += (all.empty() ? "" : ",") + heading;
    throw FileError(path, "has no column \"", name, "\" in its first line, ", all,
                    "; expected the columns file and label, with a comma between.");
  };
  const size_t file_at = column("file");
  const size_t label_at = column("label");
  const auto key = [](const std::string& name) { return composed(fs::path(name).lexically_normal().string()); };
  struct Line {
    std::string label;
    bool used = false;
  };
  std::map<std::string, Line> lines;
  // Of a file that is named in full, or from where the table lies.
  const auto in_full = [](const fs::path& name) { return composed(fs::absolute(name).lexically_normal().string()); };
  std::map<std::string, std::string> lines_in_full;
  for (size_t i = 1; i < rows.size(); ++i) {
    const auto [line, is_new] = lines.emplace(key(rows[i][file_at]), Line{rows[i][label_at]});
    if (is_new) lines_in_full.emplace(in_full(fs::path(path).parent_path() / rows[i][file_at]), line->first);
    if (!is_new && line->second.label != rows[i][label_at]) {
      throw FileError(path, "gives ", rows[i][file_at], " the labels ", line->second.label, " and ", rows[i][label_at],
                      "; expected one.");
    }
  }
  std::vector<std::string> names(list.paths.size());
  for_each_image(list, [&](int64_t i, const Entry& entry) {
    auto found = lines.find(key(entry.path));
    if (found == lines.end()) found = lines.find(key(entry.below_named()));
    if (found == lines.end()) {
      const auto full = lines_in_full.find(in_full(list.file(i)));
      if (full == lines_in_full.end()) return;
      found = lines.find(full->second);
    }
    found->second.used = true;
    names[i] = found->second.label;
  });
  const auto unused = std::count_if(lines.begin(), lines.end(), [](const auto& line) { return !line.second.used; });
  if (unused > 0) {
    const auto first = std::find_if(lines.begin(), lines.end(), [](const auto& line) { return !line.second.used; });
    list.notes.push_back(text_of(path, ": ", unused, " of ", lines.size(),
                                 " lines name no image that was found, such as ", first->first, "."));
  }
  return names;
}

// Halves of a data set that stand where classes are expected.
void note_splits(ImageList& list) {
  static const std::set<std::string> known = {"train", "training",   "test", "testing", "val",
                                              "valid", "validation", "dev",  "eval",    "extra"};
  const auto is_split = [](std::string name) {
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return known.count(name) != 0;
  };
  if (list.classes.size() < 2 || !std::all_of(list.classes.begin(), list.classes.end(), is_split)) return;
  const std::string& named = list.parts.front().named;
  std::string classes, commands;
  for (const std::string& name : list.classes) {
    classes += (classes.empty() ? "" : " and ") + name;
    commands += (commands.empty() ? "" : ", and one with ") + named + "/" + name;
  }
  list.notes.push_back(named + ": the classes are " + classes +
                       ", which look like parts of a data set and not like classes; probably meant are separate "
                       "commands, one with " +
                       commands + ".");
}

// Where classes could be had in another way.
void note_that_there_are_none(const std::string& label_by, ImageList& list) {
  if (label_by != "first" || !list.archives.empty()) return;  // archives that are numbered are no classes
  const std::vector<std::string> names = parents(list);
  const std::set<std::string> classes(names.begin(), names.end());
  if (classes.size() < 2) return;
  list.notes.push_back(
      text_of("no labels: the images lie in no folders below what was named; --label-by parent makes the ",
              classes.size(), " folders that they lie in, such as ", *classes.rbegin(), ", classes."));
}

}  // namespace

void label_images(const std::string& label_by, ImageList& list) {
  list.labels.clear();
  list.classes.clear();
  if (label_by == "none" || list.parts.empty()) return;
  const std::vector<std::string> names = label_by == "first"    ? first_folders(list)
                                         : label_by == "parent" ? parents(list)
                                                                : from_table(label_by, list);
  // The spelling that is kept, by the composed one. A set is in byte order.
  std::map<std::string, std::string> spelling;
  for (const std::string& name : std::set<std::string>(names.begin(), names.end())) {
    if (!name.empty()) spelling.emplace(composed(name), name);
  }
  std::set<std::string> classes;
  for (const auto& [key, name] : spelling) classes.insert(name);
  list.classes.assign(classes.begin(), classes.end());
  int64_t images = 0, without = 0;
  for_each_image(list, [&](int64_t i, const Entry&) {
    ++images;
    if (names[i].empty()) ++without;
  });
  if (list.classes.empty()) return note_that_there_are_none(label_by, list);
  if (without > 0) {
    list.notes.push_back(text_of(
        list.parts.front().named, list.parts.front().named.empty() ? "" : ": ", without, " of ", images, " images ",
        label_by == "first" || label_by == "parent" ? "lie in no class folder" : "have no line in " + label_by,
        "; they are rows without a label."));
  }
  std::map<std::string, int32_t> label_of = {{"", -1}};
  for (const std::string& name : names) {
    const auto [known, is_new] = label_of.emplace(name, 0);
    if (is_new) {
      const auto kept = std::lower_bound(list.classes.begin(), list.classes.end(), spelling.at(composed(name)));
      known->second = static_cast<int32_t>(kept - list.classes.begin());
    }
    list.labels.push_back(known->second);
  }
  if (label_by == "first") note_splits(list);
}

std::vector<std::vector<std::string>> read_csv(const std::string& path) {
  std::ifstream file(path);
  if (!file || fs::is_directory(path)) {
    throw FileError(path, "cannot be opened", errno == 0 ? "" : std::string(": ") + std::strerror(errno),
                    "; expected a CSV file with a header.");
  }
  std::vector<std::vector<std::string>> rows;
  int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    if (++number == 1) line = without_byte_order_mark(std::move(line), path);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (size_t i = 0; i < line.size(); ++i) {
      const bool doubled = quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"';
      if (doubled) {
        fields.back() += line[++i];
      } else if (line[i] == '"') {
        quoted = !quoted;
      } else if (line[i] == ',' && !quoted) {
        fields.emplace_back();
      } else {
        fields.back() += line[i];
      }
    }
    if (quoted || (!rows.empty() && fields.size() != rows.front().size())) {
      throw FileError(path, "line ", number, " has ", fields.size(), " fields",
                      quoted ? " and a quotation mark too many" : "", ", the header has ",
                      rows.empty() ? fields.size() : rows.front().size(), ".");
    }
    rows.push_back(std::move(fields));
  }
  if (rows.empty()) throw FileError(path, "is empty; expected a CSV file with a header.");
  return rows;
}

}  // namespace dcgan::data
