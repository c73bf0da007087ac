#include "data/cifar10_binary.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/foreign_file.h"
#include "data/memory_images.h"
#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "cifar-10-batches-bin";
constexpr int64_t kPlane = kCifarSide * kCifarSide;

// 30730000 -> "30,730,000"
std::string with_commas(int64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string record_name(const std::string& stem, int64_t record) {
  const std::string digits = std::to_string(record);
  return stem + "/" + std::string(5 - digits.size(), '0') + digits;
}

std::vector<std::string> batch_files(CifarSplit split) {
  if (split == CifarSplit::kTest) return {"test_batch.bin"};
  return {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"};
}

bool holds_a_batch(const fs::path& folder) {
  return fs::exists(folder / "test_batch.bin") || fs::exists(folder / "data_batch_1.bin");
}

std::vector<std::string> read_classes(const fs::path& file) {
  std::vector<std::string> classes;
  std::ifstream lines(file);
  if (!lines) return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) classes.push_back(line);
  }
  if (classes.size() != kCifarClasses) {
    throw FileError(file.string(), classes.size(), " class names, expected ", kCifarClasses,
                    "; fetch the archive again, or remove this file to use the official names.");
  }
  return classes;
}

}  // namespace

ImageBatch read_cifar10_batch(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    throw FileError(path, "cannot be opened; the binary version of CIFAR-10 has it, unpack the archive again.");
  const int64_t length = file.tellg();
  constexpr int64_t kExpected = kCifarBatchImages * kCifarRecordBytes;
  if (length != kExpected) {
    refuse_foreign(path);
    throw FileError(path, with_commas(length), " bytes, expected ", with_commas(kExpected), "; ",
                    length < kExpected ? "the download is cut short, fetch it again."
                                       : "this is no file of the binary version of CIFAR-10.");
  }
  ImageBatch batch;
  batch.height = batch.width = kCifarSide;
  batch.pixels.resize(kCifarBatchImages * 3 * kPlane);
  const std::string stem = fs::path(path).stem().string();
  std::vector<uint8_t> record(kCifarRecordBytes);
  uint8_t* pixel = batch.pixels.data();
  file.seekg(0);
  for (int64_t i = 0; i < kCifarBatchImages; ++i) {
    if (!file.read(reinterpret_cast<char*>(record.data()), kCifarRecordBytes)) {
      throw FileError(path, "cannot be read at record ", i, ".");
    }
    if (record[0] >= kCifarClasses) {
      throw FileError(path, "label ", record[0], " in record ", i,
                      ", expected 0 to 9; the file is damaged, or of CIFAR-100.");
    }
    batch.labels.push_back(record[0]);
    batch.paths.push_back(record_name(stem, i));
    const uint8_t* planes = record.data() + 1;
    for (int64_t p = 0; p < kPlane; ++p) {
      for (int64_t c = 0; c < 3; ++c) *pixel++ = planes[c * kPlane + p];
    }
  }
  return batch;
}

std::unique_ptr<ImageSource> open_cifar10_binary(const std::string& folder, CifarSplit split) {
  const fs::path root = holds_a_batch(folder) ? fs::path(folder) : fs::path(folder) / kFolder;
  std::vector<std::string> classes = read_classes(root / "batches.meta.txt");
  ImageBatch images;
  images.height = images.width = kCifarSide;
  std::vector<std::string> files;
  for (const std::string& name : batch_files(split)) {
    files.push_back(root / name);
    const ImageBatch batch = read_cifar10_batch(files.back());
    images.pixels.insert(images.pixels.end(), batch.pixels.begin(), batch.pixels.end());
    images.paths.insert(images.paths.end(), batch.paths.begin(), batch.paths.end());
    images.labels.insert(images.labels.end(), batch.labels.begin(), batch.labels.end());
  }
  const nlohmann::ordered_json description = {{"kind", "CIFAR-10, binary version"}, {"split", to_name(split)}};
  return std::make_unique<MemoryImages>(std::move(images), std::move(classes), description.dump(), std::move(files));
}

bool is_cifar10_binary(const std::string& folder) {
  return holds_a_batch(folder) || holds_a_batch(fs::path(folder) / kFolder);
}

}  // namespace dcgan::data
