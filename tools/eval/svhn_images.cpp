#include "tools/eval/svhn_images.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "data/image_folder.h"
#include "data/svhn_mat.h"
#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "eval/splits.h"

namespace dcgan::eval_tool {
namespace {

namespace fs = std::filesystem;

constexpr double kTestShare = 0.4;

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
  return fields;
}

struct LabelTable {
  data::ImageList list;
  std::map<std::string, int64_t> houses;  // of a path; empty where the file has no such column
};

LabelTable read_labels(const std::string& folder) {
  const std::string path = folder + "/labels.csv";
  std::ifstream file(path);
  if (!file)
    throw FileError(path,
                    "cannot be read; expected train_32x32.mat and test_32x32.mat, or a folder with labels.csv "
                    "(file,label[,house]).");
  std::string line;
  std::getline(file, line);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  const std::vector<std::string> header = fields_of(line);
  const auto column = [&](const char* name) { return std::find(header.begin(), header.end(), name) - header.begin(); };
  const int64_t file_at = column("file"), label_at = column("label"), house_at = column("house");
  const int64_t columns = static_cast<int64_t>(header.size());
  if (file_at == columns || label_at == columns) {
    throw FileError(path, "the first line is \"", line, "\", expected the columns file, label and perhaps house.");
  }
  LabelTable table;
  table.list.root = folder;
  for (char digit = '0'; digit <= '9'; ++digit) table.list.classes.push_back(std::string(1, digit));
  std::map<std::string, int64_t> house_numbers;
  for (int64_t number = 2; std::getline(file, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::vector<std::string> fields = fields_of(line);
    const auto label = static_cast<int64_t>(fields.size()) == columns
                           ? std::find(table.list.classes.begin(), table.list.classes.end(), fields[label_at])
                           : table.list.classes.end();
    if (label == table.list.classes.end()) {
      throw FileError(path, "line ", number, " is \"", line, "\", expected ", columns,
                      " fields with a label from 0 to 9.");
    }
    const std::string& name = fields[file_at];
    table.list.paths.push_back(name);
    table.list.labels.push_back(static_cast<int32_t>(label - table.list.classes.begin()));
    if (house_at < columns) {
      const std::string& house = fields[house_at];
      table.houses[name] = house_numbers.emplace(house, static_cast<int64_t>(house_numbers.size())).first->second;
    }
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
