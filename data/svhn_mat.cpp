#include "data/svhn_mat.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "data/matlab_file.h"
#include "data/memory_images.h"
#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPlane = kSvhnSide * kSvhnSide;
constexpr int64_t kImageBytes = 3 * kPlane;

std::string file_name(SvhnSplit split) { return to_name(split) + "_32x32.mat"; }

// "uint8 32x32x3x5"
std::string describe_array(const MatlabArray& array) {
  std::string text = array.type + " ";
  for (size_t d = 0; d < array.shape.size(); ++d) text += text_of(d ? "x" : "", array.shape[d]);
  return text;
}

// MATLAB's first index, the row, runs fastest: an image is three planes of columns.
std::vector<uint8_t> read_pixels(MatlabFile& file, const std::string& path) {
  const MatlabArray& x = file.array();
  if (x.type != "uint8" || x.shape.size() < 3 || x.shape.size() > 4 || x.shape[0] != kSvhnSide ||
      x.shape[1] != kSvhnSide || x.shape[2] != 3 || x.count == 0) {
    throw FileError(path, "X is ", describe_array(x), ", expected uint8 32x32x3xN; this is no file of SVHN's ",
                    "cropped digits.");
  }
  std::vector<uint8_t> pixels(x.count);
  std::vector<uint8_t> image(kImageBytes);
  for (uint8_t* pixel = pixels.data(); pixel != pixels.data() + x.count; pixel += kImageBytes) {
    file.read(image.data(), kImageBytes);
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t column = 0; column < kSvhnSide; ++column) {
        const uint8_t* from = image.data() + c * kPlane + column * kSvhnSide;
        for (int64_t row = 0; row < kSvhnSide; ++row) pixel[(row * kSvhnSide + column) * 3 + c] = from[row];
      }
    }
  }
  return pixels;
}

std::vector<int32_t> read_labels(MatlabFile& file, const std::string& path) {
  const MatlabArray& y = file.array();
  if (!y.numeric || y.shape.size() != 2 || (y.shape[0] != 1 && y.shape[1] != 1)) {
    throw FileError(path, "y is ", describe_array(y), ", expected numbers Nx1; this is no file of SVHN's cropped ",
                    "digits.");
  }
  std::vector<int32_t> labels;
  for (const double number : file.read_numbers()) {
    if (!(number >= 1 && number <= 10) || number != static_cast<int>(number)) {
      throw FileError(path, "y(", labels.size() + 1, ") is ", nlohmann::json(number).dump(),
                      ", expected 1 to 10 (10 is the digit 0).");
    }
    labels.push_back(static_cast<int32_t>(number) % 10);
  }
  return labels;
}

}  // namespace

ImageBatch read_svhn_mat(const std::string& path) {
  ImageBatch batch;
  batch.height = batch.width = kSvhnSide;
  std::string found;
  for (MatlabFile file(path); file.next();) {
    const std::string& name = file.array().name;
    found += (found.empty() ? "" : ", ") + name;
    if (name == "X") batch.pixels = read_pixels(file, path);
    if (name == "y") batch.labels = read_labels(file, path);
  }
  const auto require = [&](bool there, const char* name) {
    if (!there) {
      throw FileError(path, "has no variable ", name, ", only ", found.empty() ? "none" : found,
                      "; SVHN's cropped digits have X and y.");
    }
  };
  require(!batch.pixels.empty(), "X");
  require(!batch.labels.empty(), "y");
  const size_t images = batch.pixels.size() / kImageBytes;
  if (images != batch.labels.size()) {
    throw FileError(path, "y has ", batch.labels.size(), " labels, expected one for each of the ", images,
                    " images in X.");
  }
  const std::string stem = fs::path(path).stem().string();
  for (size_t i = 0; i < images; ++i) {
    const std::string digits = std::to_string(i);
    batch.paths.push_back(stem + "/" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits);
  }
  return batch;
}

std::unique_ptr<ImageSource> open_svhn_mat(const std::string& folder, SvhnSplit split) {
  const std::string file = fs::path(folder) / file_name(split);
  ImageBatch images = read_svhn_mat(file);
  const nlohmann::ordered_json description = {{"kind", "SVHN, cropped digits"}, {"split", to_name(split)}};
  return std::make_unique<MemoryImages>(std::move(images),
                                        std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
                                        description.dump(), std::vector<std::string>{file});
}

bool is_svhn_mat(const std::string& folder) {
  return fs::exists(fs::path(folder) / file_name(SvhnSplit::kTrain)) ||
         fs::exists(fs::path(folder) / file_name(SvhnSplit::kTest)) ||
         fs::exists(fs::path(folder) / file_name(SvhnSplit::kExtra));
}

}  // namespace dcgan::data
