#include "tools/eval/svhn_images.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "data/image_folder.h"
#include "data/labels.h"
#include "data/svhn_mat.h"
#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "eval/splits.h"

namespace dcgan::eval_tool {
namespace {

namespace fs = std::filesystem;

constexpr double kTestShare = 0.4;

struct LabelTable {
  data::ImageList list;
  std::map<std::string, int64_t> houses;  // of a path; empty where the file has no such column
};

LabelTable read_labels(const std::string& folder) {
  const std::string path = folder + "/labels.csv";
  if (!fs::exists(path)) {
    throw FileError(path,
                    "is not there; expected train_32x32.mat and test_32x32.mat, or a folder with labels.csv "
                    "(file,label[,house]).");
  }
  const std::vector<std::vector<std::string>> rows = data::read_csv(path);
  const std::vector<std::string>& header = rows.front();
  const auto column = [&](const char* name) -> size_t {
    return std::find(header.begin(), header.end(), name) - header.begin();
  };
  const size_t file_at = column("file"), label_at = column("label"), house_at = column("house");
  if (file_at == header.size() || label_at == header.size()) {
    throw FileError(path, "its first line lacks a column; expected file, label and perhaps house.");
  }
  LabelTable table;
  table.list.root = folder;
  for (char digit = '0'; digit <= '9'; ++digit) table.list.classes.push_back(std::string(1, digit));
  std::map<std::string, int64_t> house_numbers;
  for (size_t i = 1; i < rows.size(); ++i) {
    const std::string &name = rows[i][file_at], &label = rows[i][label_at];
    if (label.size() != 1 || label < "0" || label > "9") {
      throw FileError(path, name, " has the label \"", label, "\", expected 0 to 9.");
    }
    table.list.paths.push_back(name);
    table.list.labels.push_back(label[0] - '0');
    if (house_at == header.size()) continue;
    table.houses[name] = house_numbers.emplace(rows[i][house_at], house_numbers.size()).first->second;
  }
  if (table.list.paths.empty()) throw FileError(path, "names no images.");
  return table;
}

LoadedImages load_folder(const std::string& folder, int64_t size, const cli::CommonOptions& common) {
  const LabelTable table = read_labels(folder);
  LoadedImages images = load_images(data::FolderImages(table.list, {}), size, common);
  if (!table.houses.empty()) {
    for (const std::string& path : images.batch.paths) images.groups.push_back(table.houses.at(path));
  }
  return images;
}

}  // namespace

ProtocolImages load_svhn(const std::string& folder, int64_t size, const cli::CommonOptions& common) {
  if (data::is_svhn_mat(folder)) {
    const auto load = [&](data::SvhnSplit split) {
      return load_images(*data::open_svhn_mat(folder, split), size, common);
    };
    return {load(data::SvhnSplit::kTrain), load(data::SvhnSplit::kTest), {}};
  }
  if (fs::exists(folder + "/train/labels.csv") && fs::exists(folder + "/test/labels.csv")) {
    return {load_folder(folder + "/train", size, common), load_folder(folder + "/test", size, common), {}};
  }
  const LoadedImages all = load_folder(folder, size, common);
  eval::ValidationOptions division;
  division.held_out = kTestShare;
  const eval::RowSplit split =
      eval::validation_splits(all.batch.labels, all.groups, division, derive_seed(common.seed, "test houses")).front();
  ProtocolImages svhn{all.at(split.training), all.at(split.validation), {}};
  svhn.training.failures = all.failures;
  svhn.notes.push_back(text_of(svhn.test.batch.count(), " test images set apart from the same part of SVHN",
                               all.groups.empty() ? "" : ", by house", ", instead of the official 26,032"));
  return svhn;
}

}  // namespace dcgan::eval_tool
