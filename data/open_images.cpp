#include "data/open_images.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ext/stdio_filebuf.h>
#include <filesystem>
#include <fstream>
#include <istream>
#include <optional>

#include "data/image_folder.h"
#include "data/lmdb_images.h"
#include "data/packed_source.h"
#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

ImageList open_list(const std::vector<std::string>& inputs, const InputOptions& options) {
  const std::string& name = options.list;
  if (inputs.size() > 1) {
    throw OptionError("--list goes with one folder, to which its paths are relative; ", inputs.size(),
                      " inputs were named.");
  }
  const std::string folder = inputs.empty() ? "" : inputs.front();
  if (!folder.empty() && !std::filesystem::is_directory(folder) && !is_archive(folder) && !is_lmdb(folder)) {
    throw FileError(
        folder, "is no folder, archive or LMDB; the paths of a list are relative to the one that is named with it.");
  }
  if (name == "-") {  // by its descriptor: where it is a socket, /dev/stdin cannot be opened
    __gnu_cxx::stdio_filebuf<char> input(::dup(STDIN_FILENO), std::ios::in);
    std::istream lines(&input);
    return read_image_list(lines, {"standard input", folder}, options);
  }
  std::ifstream file(name);
  if (!file) throw FileError(name, "cannot be opened: ", std::strerror(errno), "; --list names it.");
  return read_image_list(file, {name, folder}, options);
}

}  // namespace

OpenedImages open_images(const std::vector<std::string>& inputs, const InputOptions& options,
                         const DecodeOptions& decode) {
  const auto packed = std::find_if(inputs.begin(), inputs.end(), [](const std::string& input) {
    std::error_code error;
    return std::filesystem::is_regular_file(input, error) && is_hdf5_file(input);
  });
  if (packed != inputs.end()) {
    if (inputs.size() > 1 || !options.list.empty() || options.labels() != "first") {
      throw OptionError(*packed,
                        " is a packed file; it stands alone, without other inputs, --list, --label-by or "
                        "--unlabelled.");
    }
    return {std::make_unique<PackedSource>(PackedImageReader(*packed)), {}, {}};
  }
  const auto lmdb = std::find_if(inputs.begin(), inputs.end(), is_lmdb);
  if (lmdb != inputs.end() && inputs.size() > 1) {
    throw OptionError(*lmdb, " is an LMDB; it stands alone, without other inputs.");
  }
  std::optional<LmdbFile> database;
  if (lmdb != inputs.end()) database.emplace(*lmdb);
  ImageList list = !options.list.empty() ? open_list(inputs, options)
                   : database            ? labelled_list(database->keys(), inputs.front(), options)
                                         : list_images(inputs, options);
  OpenedImages opened{nullptr, list.notes, list.passed_over};
  if (database) {
    opened.source = std::make_unique<LmdbImages>(std::move(list), std::move(*database), decode);
  } else {
    opened.source = std::make_unique<FolderImages>(std::move(list), decode);
  }
  return opened;
}

std::unique_ptr<ImageSource> open_cifar10(const std::string& folder, CifarSplit split) {
  if (is_cifar10_binary(folder)) return open_cifar10_binary(folder, split);
  const std::string classes = folder + "/" + to_name(split);
  if (!std::filesystem::is_directory(classes)) {
    throw FileError(folder, "holds neither the binary batches of CIFAR-10 (data_batch_1.bin, test_batch.bin, also in ",
                    "cifar-10-batches-bin) nor a folder ", to_name(split), " with class folders.");
  }
  ImageList list = list_images({classes});
  if (std::count(list.labels.begin(), list.labels.end(), -1) > 0) {
    throw FileError(classes, "holds images that lie in none of its class folders; expected none.");
  }
  if (list.classes.size() != kCifarClasses) {
    throw FileError(classes, list.classes.size(), " class folders with images, expected ", kCifarClasses,
                    ", airplane to truck.");
  }
  return std::make_unique<FolderImages>(std::move(list), DecodeOptions{});
}

}  // namespace dcgan::data
