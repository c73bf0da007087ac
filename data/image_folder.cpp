#include "data/image_folder.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

namespace fs = std::filesystem;

// Images below `folder`, as paths relative to the one that was named. `above` holds the folders on the way here, so
// that a symbolic link to one of them ends the walk.
void collect(const fs::path& folder, const std::string& prefix, std::vector<fs::path>& above,
             std::vector<std::string>& found) {
  std::error_code error;
  const fs::path canonical = fs::canonical(folder, error);
  if (error || std::find(above.begin(), above.end(), canonical) != above.end()) return;
  above.push_back(canonical);
  fs::directory_iterator entries(folder, error);
  if (error) throw FileError(folder.string(), "cannot be listed: " + error.message() + ".");
  for (; entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = prefix + entries->path().filename().string();
    std::error_code unknown;
    if (entries->is_directory(unknown)) {
      collect(entries->path(), name + "/", above, found);
    } else if (has_image_extension(name)) {
      found.push_back(name);
    }
    if (error) break;
  }
  if (error) throw FileError(folder.string(), "cannot be listed: " + error.message() + ".");
  above.pop_back();
}

std::vector<std::string> images_below(const std::string& folder) {
  std::vector<std::string> found;
  std::vector<fs::path> above;
  collect(folder, "", above, found);
  std::sort(found.begin(), found.end());  // std::string compares bytes
  if (!found.empty()) return found;
  std::string extensions;
  for (const std::string_view extension : image_extensions()) {
    extensions += (extensions.empty() ? "." : ", .") + std::string(extension);
  }
  throw FileError(
      folder, "holds no images; looked, in all its folders, for files that end in " + extensions + " (in any case).");
}

// First folder of a relative path; empty where the file lies directly in the root.
std::string class_of(const std::string& path) {
  const size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

// All images have a class, or none is labelled.
void label_images(const std::vector<std::string>& class_names, const std::string& where, ImageList& list) {
  std::map<std::string, int32_t> known;
  int64_t without = 0;
  for (const std::string& name : class_names) {
    if (name.empty()) {
      ++without;
    } else {
      known.emplace(name, 0);
    }
  }
  if (known.empty()) return;
  if (without > 0) {
    list.notes.push_back(where + ": " + std::to_string(without) + " of " + std::to_string(class_names.size()) +
                         " images lie in no class folder, so none gets a label.");
    return;
  }
  for (auto& [name, label] : known) {
    label = static_cast<int32_t>(list.classes.size());
    list.classes.push_back(name);
  }
  for (const std::string& name : class_names) list.labels.push_back(known.at(name));
}

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string joined(const std::string& folder, const std::string& path) {
  return folder.empty() || path.front() == '/' ? path : folder + (folder.back() == '/' ? "" : "/") + path;
}

}  // namespace

std::string ImageList::file(int64_t i) const { return joined(root, paths[static_cast<size_t>(i)]); }

ImageList list_images(const std::vector<std::string>& inputs) {
  if (inputs.empty()) throw OptionError("no images were named; give files or folders.");
  ImageList list;
  std::vector<std::string> class_names;
  for (const std::string& input : inputs) {
    std::error_code error;
    const fs::file_status status = fs::status(input, error);
    if (!fs::exists(status)) throw FileError(input, "does not exist; expected an image file or a folder of images.");
    if (!fs::is_directory(status)) {
      list.paths.push_back(input);
      class_names.emplace_back();
      continue;
    }
    const std::string folder = without_trailing_slash(input);
    if (inputs.size() == 1) list.root = folder;
    for (const std::string& path : images_below(folder)) {
      list.paths.push_back(inputs.size() == 1 ? path : joined(folder, path));
      class_names.push_back(class_of(path));
    }
  }
  label_images(class_names, inputs.front(), list);
  return list;
}

ImageList labelled_list(std::vector<std::string> paths, const std::string& folder) {
  ImageList list;
  list.root = without_trailing_slash(folder);
  list.paths = std::move(paths);
  std::vector<std::string> class_names;
  for (const std::string& path : list.paths)
    class_names.push_back(class_of(fs::path(path).lexically_normal().string()));
  label_images(class_names, folder, list);
  return list;
}

ImageList read_image_list(std::istream& lines, const std::string& name, const std::string& folder) {
  std::vector<std::string> paths;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) paths.push_back(line);
  }
  if (lines.bad()) throw FileError(name, "cannot be read to its end.");
  if (paths.empty()) throw FileError(name, "names no images; expected one path a line.");
  if (!folder.empty()) return labelled_list(std::move(paths), folder);
  ImageList list;
  list.paths = std::move(paths);
  return list;
}

std::vector<DecodedImage> FolderImages::load(int64_t first, int64_t count) const {
  std::vector<DecodedImage> images;
  for (int64_t i = first; i < first + count; ++i) images.push_back(decode_image_file(list().file(i), options()));
  return images;
}

std::string FolderImages::description() const {
  return nlohmann::ordered_json(
             {{"kind", "image files"}, {"decoder", nlohmann::ordered_json::parse(decoder_description(options()))}})
      .dump();
}

}  // namespace dcgan::data
