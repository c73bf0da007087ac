#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/algorithm/string/replace.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "dcgan/errors.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/prepare/commands.h"
#include "tools/prepare/download.h"

namespace dcgan::prepare_tool {
namespace {

namespace fs = std::filesystem;

struct DataSet {
  const char* name;
  std::vector<RemoteFile> files;
  bool unpack;       // each file is a .tar.gz
  const char* next;  // what to do with it
};

// Addresses and checksums: https://www.cs.toronto.edu/~kriz/cifar.html; http://ufldl.stanford.edu/housenumbers (the
// MD5s are those that torchvision checks); https://github.com/fyu/lsun, which publishes no checksum.
const std::vector<DataSet>& data_sets() {
  static const std::string svhn = "http://ufldl.stanford.edu/housenumbers/";
  static const std::vector<DataSet> sets = {
      {"cifar10",
       {{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"}},
       true,
       "dcgan-eval cifar10 --data FOLDER/cifar-10-batches-bin, dcgan-prepare cifar10 --data the same"},
      {"svhn",
       {{svhn + "train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"},
        {svhn + "test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"},
        {svhn + "extra_32x32.mat", "a93ce644f1a588dc4d68dda5feec44a7"}},
       false,
       "dcgan-eval svhn --data FOLDER, dcgan-prepare svhn --data FOLDER"},
      {"lsun-bedroom",
       {{"http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip", ""}},
       false,
       "unzip it, then dcgan-prepare lsun FOLDER/bedroom_train_lmdb"}};
  return sets;
}

struct DownloadOptions {
  std::string output;
  std::string mirror;
  std::string md5;
  bool unpack = false;
};

template <class Visitor>
void describe(DownloadOptions& o, Visitor&& f) {
  f(o.output, "output,o", "folder that the files come into");
  f(o.mirror, "mirror", "address of a folder that has files of the same names; the checksums stay the official ones");
  f(o.md5, "md5", "MD5 that the file of a URL must have");
  f(o.unpack, "unpack", "the file of a URL is a .tar.gz; unpack it, as is done with cifar10");
}

std::string file_name(const std::string& url) { return url.substr(url.rfind('/') + 1); }

DataSet find_data_set(const std::string& name, const DownloadOptions& options) {
  if (name.rfind("http://", 0) == 0 || name.rfind("https://", 0) == 0) {
    if (!options.mirror.empty()) throw OptionError("--mirror is for data sets that have names, not for a URL.");
    if (file_name(name).empty()) throw OptionError(name, " names no file; a URL must end in a file's name.");
    return {"", {{name, options.md5}}, options.unpack, ""};
  }
  std::string known;
  for (DataSet set : data_sets()) {
    known += std::string(set.name) + ", ";
    if (set.name != name) continue;
    if (options.unpack) throw OptionError("--unpack is for a URL; ", name, " is unpacked where that is of use.");
    if (!options.md5.empty()) throw OptionError("--md5 is for a URL; the checksums of ", name, " are known.");
    for (RemoteFile& file : set.files) {
      if (options.mirror.empty()) continue;
      file.url = options.mirror + (options.mirror.back() == '/' ? "" : "/") + file_name(file.url);
    }
    return set;
  }
  throw OptionError("\"", name, "\" cannot be downloaded; expected one of ", known, "or a URL.");
}

// By the program `tar`, which every Debian has: the archive's checksum is right.
void unpack(const std::string& archive, const std::string& folder) {
  std::vector<std::string> arguments = {"tar", "-xzf", archive, "-C", folder, "--no-same-owner"};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  int status = -1;
  if (posix_spawnp(&child, "tar", nullptr, nullptr, argv.data(), environ) == 0) waitpid(child, &status, 0);
  if (status != 0) throw FileError(archive, "cannot be unpacked into ", folder, "; unpack it with tar -xzf.");
}

}  // namespace

int download_command(cli::CommandLine& line) {
  std::string name;
  DownloadOptions options;
  const cli::CommonOptions& common = line.common();
  line.about("Fetches a public data set, checks it, and goes on where an earlier try stopped.", "cifar10 -o cifar10/");
  line.without({"threads", "device", "seed"});
  line.one(name, "NAME", "cifar10, svhn, lsun-bedroom (46 GB), or the URL of a file");
  line.add("Download", options);
  line.require(options.output, "-o", "the folder that the files come into");
  if (!line.parse()) return 0;
  const DataSet set = find_data_set(name, options);
  cli::make_folder(options.output);

  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  std::string text;
  for (const RemoteFile& file : set.files) {
    const std::string path = fs::path(options.output) / file_name(file.url);
    std::optional<cli::Progress> progress;
    DownloadCalls calls;
    calls.on_message = [&](const std::string& message) { cli::log(common.quiet, message); };
    calls.on_bytes = [&](int64_t done, int64_t total) {
      cli::stop_if_interrupted();
      if (total == 0) return;
      if (!progress) progress.emplace("bytes", total, common);
      progress->update(done);
    };
    const bool fetched = download(file, path, calls);
    progress.reset();
    files.push_back({{"file", path}, {"fetched", fetched}, {"checked", !file.md5.empty()}});
    text += path + ": " + (fetched ? "fetched" : "was there already") + ", " +
            (file.md5.empty() ? "no checksum is known" : "its MD5 is right") + "\n";
    if (set.unpack) unpack(path, options.output);
  }
  if (*set.next != 0) {
    text += "Next: " + boost::replace_all_copy(std::string(set.next), "FOLDER", options.output) + ".\n";
  }
  cli::print_result(common, {{"files", files}}, text);
  return 0;
}

}  // namespace dcgan::prepare_tool
