#include "data/image_folder.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <string_view>

#include "data/image_formats.h"
#include "data/image_library.h"
#include "data/labels.h"
#include "dcgan/errors.h"
#include "dcgan/text.h"

namespace dcgan::data {
namespace {

namespace fs = std::filesystem;

// What lies below a folder, as paths relative to the one that was named.
class FolderWalk {
 public:
  struct Found {
    std::string path;
    std::string failure;  // of a folder that cannot be listed
  };

  FolderWalk(const std::string& folder, InputRules& rules) : rules_(rules) {
    const std::string failure = visit(folder, "");
    if (!failure.empty() && found_.empty()) throw FileError(folder, failure, ".");
    if (!failure.empty()) found_.push_back({".", failure});
    const auto by_path = [](const Found& a, const Found& b) { return a.path < b.path; };  // std::string compares bytes
    std::sort(found_.begin(), found_.end(), by_path);
    std::sort(archives_.begin(), archives_.end(),
              [](const std::string& a, const std::string& b) { return folder_of(a) < folder_of(b); });
    holds_images_ = std::any_of(found_.begin(), found_.end(), [](const Found& f) { return f.failure.empty(); });
  }

  // The folder that an archive counts as.
  static std::string folder_of(const std::string& archive) {
    return archive.substr(0, archive.size() - extension_of(archive).size() - 1) + "/";
  }

  std::vector<Found>& found() { return found_; }
  bool holds_images() const { return holds_images_; }
  const std::vector<std::string>& archives() const { return archives_; }  // .tar and .zip, compressed ones included

 private:
  // `above_` holds the folders on the way here, so that a symbolic link to one of them ends the walk.
  // @return why the folder could not be listed to its end; empty where it could
  std::string visit(const fs::path& folder, const std::string& prefix) {
    std::error_code error;
    const fs::path canonical = fs::canonical(folder, error);
    if (!error && std::find(above_.begin(), above_.end(), canonical) != above_.end()) return "";
    fs::directory_iterator entries;
    if (!error) entries = fs::directory_iterator(folder, error);
    above_.push_back(canonical);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      add(*entries, prefix + entries->path().filename().string());
    }
    above_.pop_back();
    return error ? "cannot be listed: " + error.message() : "";
  }

  void add(const fs::directory_entry& entry, const std::string& path) {
    std::error_code error;
    if (entry.is_directory(error)) {
      const std::string failure = visit(entry.path(), path + "/");
      if (failure.empty()) return;
      if (const std::string left = rules_.left_by_system(path + "/"); !left.empty()) {
        rules_.passed_over.add(left);
      } else {
        found_.push_back({path, "is a folder that " + failure});
      }
      return;
    }
    const bool regular = entry.is_regular_file(error);
    const auto first_bytes = [&] {
      if (error) rules_.passed_over.add("broken links");  // of a folder, for all that is known
      return regular ? first_bytes_of(entry.path().string()) : std::vector<uint8_t>();
    };
    if (rules_.takes(path, first_bytes)) {
      found_.push_back({path, ""});
    } else if (regular && rules_.left_by_system(path).empty() && has_archive_extension(path)) {
      archives_.push_back(path);
    }
  }

  InputRules& rules_;
  std::vector<fs::path> above_;
  std::vector<Found> found_;
  std::vector<std::string> archives_;
  bool holds_images_ = false;
};

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string joined(const std::string& folder, const std::string& path) {
  return folder.empty() || path.front() == '/' ? path : folder + (folder.back() == '/' ? "" : "/") + path;
}

// 00000, train-0001, shard_12: what parts of one set are called, and no class.
bool is_numbered(const std::string& folder) {
  const std::string name = fs::path(without_trailing_slash(folder)).filename().string();
  const std::string number = name.substr(name.find_last_of("-_.") + 1);
  return !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
}

// Fills a list from what was named.
class Lister {
 public:
  explicit Lister(const InputOptions& options) : rules_(options.hidden) {}

  ImageList list(const std::vector<std::string>& inputs) {
    several_ = inputs.size() > 1;
    for (const std::string& input : inputs) {
      std::error_code error;
      const fs::file_status status = fs::status(input, error);
      if (!fs::exists(status)) throw FileError(input, "does not exist; expected an image file or a folder of images.");
      const int64_t before = list_.count();
      if (fs::is_directory(status)) {
        add_folder(without_trailing_slash(input));
      } else if (is_archive(input)) {
        const std::string prefix = several_ ? FolderWalk::folder_of(input) : "";
        add_archive(input, prefix, prefix.substr(0, input.rfind('/') + 1).size());
        if (several_) {
          archive_parts_.back().named = true;
        } else {
          list_.root = input;
        }
      } else {
        add_file(input);
      }
      if (list_.count() == before) throw_without_images(input);
    }
    name_archives();
    list_.passed_over = rules_.passed_over;
    return std::move(list_);
  }

 private:
  struct ArchivePart {
    size_t part;
    size_t its_name;  // where in the paths the name of the archive begins
    bool numbered;
    bool flat = true;    // has no folders
    bool named = false;  // by the user
  };

  void add(const std::string& path, const ImageList::Place& place = {}) {
    list_.paths.push_back(path);
    if (place.archive == nullptr && list_.places.empty()) return;
    list_.places.resize(list_.paths.size() - 1);
    list_.places.push_back(place);
  }

  void add_file(const std::string& file) {
    if (fs::is_regular_file(file)) refuse_container(file);
    list_.parts.push_back({list_.count(), file, file.rfind('/') + 1});
    add(file);
  }

  void add_folder(const std::string& folder) {
    FolderWalk walk(folder, rules_);
    const std::string prefix = several_ ? joined(folder, "") : "";
    if (!several_) list_.root = folder;
    list_.parts.push_back({list_.count(), folder, prefix.size()});
    for (FolderWalk::Found& found : walk.found()) {
      add(prefix + found.path);
      if (!found.failure.empty()) list_.failed.emplace(prefix + found.path, std::move(found.failure));
    }
    for (const std::string& archive : walk.archives()) {
      if (walk.holds_images()) {
        rules_.passed_over.add("." + extension_of(archive));
      } else {
        add_archive(joined(folder, archive), prefix + FolderWalk::folder_of(archive), prefix.size());
      }
    }
  }

  void add_archive(const std::string& file, const std::string& prefix, size_t its_name) {
    const std::shared_ptr<const Archive> archive = open_archive(file);
    list_.archives.push_back(archive);
    list_.archive_files.push_back(file);
    list_.notes.insert(list_.notes.end(), archive->notes().begin(), archive->notes().end());
    ArchivePart part{list_.parts.size(), its_name, is_numbered(prefix)};
    list_.parts.push_back({list_.count(), file, prefix.size()});
    for (const ArchiveMember& member : archive->members()) {
      const auto first_bytes = [&] {
        return member.failure.empty() ? archive->read(member, kFirstBytes) : std::vector<uint8_t>();
      };
      if (!rules_.takes(member.path, first_bytes)) {
        const bool left = !rules_.left_by_system(member.path).empty();
        if (!left && has_archive_extension(member.path)) rules_.passed_over.add("." + extension_of(member.path));
        continue;
      }
      add(prefix + member.path, {archive.get(), &member});
      part.flat = part.flat && member.path.find('/') == std::string::npos;
    }
    archive_parts_.push_back(part);
  }

  // The name of an archive is the first folder of its images where it tells them apart: not where archives are
  // numbered, and where they were named, only if they have no folders of their own.
  void name_archives() {
    const auto all = [&](auto ArchivePart::*what) {
      return std::all_of(archive_parts_.begin(), archive_parts_.end(), [&](const ArchivePart& p) { return p.*what; });
    };
    if (all(&ArchivePart::numbered)) return;
    const bool flat = all(&ArchivePart::flat);
    for (const ArchivePart& p : archive_parts_) {
      if (flat || !p.named) list_.parts[p.part].skipped = p.its_name;
    }
  }

  [[noreturn]] void throw_without_images(const std::string& input) const {
    std::string extensions;
    for (const std::string_view extension : image_extensions()) {
      extensions += (extensions.empty() ? "." : ", .") + std::string(extension);
    }
    const std::string passed_over = rules_.passed_over.text();
    throw FileError(input, "holds no images; looked, in all its folders, for files that end in ", extensions,
                    " (in any case)", passed_over.empty() ? "" : "; " + passed_over, ".");
  }

  InputRules rules_;
  ImageList list_;
  std::vector<ArchivePart> archive_parts_;
  bool several_ = false;
};

// The images of a list as members of an archive.
void find_members(ImageList& list) {
  const std::shared_ptr<const Archive> archive = open_archive(list.root);
  list.archives.push_back(archive);
  list.archive_files.push_back(list.root);
  for (const std::string& path : list.paths) {
    const ArchiveMember* member = archive->find(path);
    if (member == nullptr) list.failed.emplace(path, "is not in the archive");
    list.places.push_back({archive.get(), member});
  }
}

bool is_there(const std::string& folder, const std::string& path) {
  std::error_code error;
  return fs::exists(joined(folder, path), error);
}

// Labels behind the paths, as in lists of Caffe and in tables: the first line, or the one behind a heading.
void refuse_more_than_paths(const std::vector<std::string>& lines, const NamedList& named) {
  for (size_t i = 0; i < std::min(lines.size(), size_t{2}); ++i) {
    const size_t end = lines[i].find_last_of(" \t,;");
    if (end == std::string::npos || end == 0 || is_there(named.folder, lines[i])) continue;
    if (!is_there(named.folder, lines[i].substr(0, end))) continue;
    throw FileError(named.name, "has more than a path in a line (", lines[i],
                    "); expected one path a line. Labels are taken from a table by --label-by FILE.csv.");
  }
}

// Whether a list was written on Windows: its first path with a back slash is only there with slashes.
bool back_slashes_separate(const std::vector<std::string>& paths, const std::string& folder) {
  const auto first = std::find_if(paths.begin(), paths.end(),
                                  [](const std::string& path) { return path.find('\\') != std::string::npos; });
  if (first == paths.end() || is_there(folder, *first)) return false;
  std::string path = *first;
  std::replace(path.begin(), path.end(), '\\', '/');
  return is_there(folder, path);
}

}  // namespace

std::string ImageList::file(int64_t i) const { return joined(root, paths[i]); }

ImageList list_images(const std::vector<std::string>& inputs, const InputOptions& options) {
  if (inputs.empty()) throw OptionError("no images were named; give files or folders.");
  ImageList list = Lister(options).list(inputs);
  label_images(options.labels(), list);
  return list;
}

ImageList labelled_list(std::vector<std::string> paths, const std::string& folder, const InputOptions& options) {
  ImageList list;
  list.root = without_trailing_slash(folder);
  list.paths = std::move(paths);
  list.parts = {{0, folder, 0}};
  label_images(options.labels(), list);
  return list;
}

ImageList read_image_list(std::istream& lines, const NamedList& named, const InputOptions& options) {
  std::vector<std::string> paths;
  bool begun = false;
  for (std::string line; std::getline(lines, line);) {
    if (!begun) line = without_byte_order_mark(std::move(line), named.name);
    begun = true;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) paths.push_back(line);
  }
  if (lines.bad()) throw FileError(named.name, "cannot be read to its end.");
  if (paths.empty()) throw FileError(named.name, "names no images; expected one path a line.");
  refuse_more_than_paths(paths, named);
  if (back_slashes_separate(paths, named.folder)) {
    for (std::string& path : paths) std::replace(path.begin(), path.end(), '\\', '/');
  }
  ImageList list = labelled_list(std::move(paths), named.folder, options);
  if (!named.folder.empty() && is_archive(named.folder)) find_members(list);
  return list;
}

ListedImages::ListedImages(ImageList list, const DecodeOptions& options) : list_(std::move(list)), options_(options) {
  check(options);
  image_library();  // before threads decode
}

std::vector<std::string> ListedImages::files() const {
  std::vector<std::string> files = list_.archive_files;
  files.push_back(list_.root);
  for (int64_t i = 0; i < count(); ++i) files.push_back(list_.file(i));
  return files;
}

DecodedImage FolderImages::load_one(int64_t i) const {
  const auto failed = list().failed.find(path(i));
  if (failed != list().failed.end()) return {{}, failed->second};
  if (list().places.empty()) return decode_image_file(list().file(i), options());
  const auto& [archive, member] = list().places[i];
  if (archive == nullptr) return decode_image_file(list().file(i), options());
  if (!member->failure.empty()) return {{}, member->failure};
  try {
    const std::vector<uint8_t> bytes = archive->read(*member);
    return decode_image(bytes.data(), bytes.size(), options());
  } catch (const FileError& error) {
    return {{}, error.what()};
  } catch (const std::bad_alloc&) {
    return {{}, "not enough memory to read it"};
  }
}

std::vector<DecodedImage> FolderImages::load(int64_t first, int64_t count) const {
  std::vector<DecodedImage> images;
  for (int64_t i = first; i < first + count; ++i) images.push_back(load_one(i));
  return images;
}

std::string FolderImages::description() const {
  const auto& archives = list().archives;
  const std::string kind = archives.empty()       ? "image files"
                           : archives.size() == 1 ? "image files in a " + archives.front()->kind() + " archive"
                                                  : "image files in archives";
  return nlohmann::ordered_json(
             {{"kind", kind}, {"decoder", nlohmann::ordered_json::parse(decoder_description(options()))}})
      .dump();
}

}  // namespace dcgan::data
