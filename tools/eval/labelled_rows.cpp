#include "tools/eval/labelled_rows.h"

#include <algorithm>
#include <filesystem>

#include "dcgan/errors.h"
#include "eval/features/image_features.h"
#include "tools/cli/progress.h"

namespace dcgan::eval_tool {

std::unique_ptr<LabelledRows> LabelledRows::open(const std::string& path, const std::string& features,
                                                 const std::string& labels) {
  std::unique_ptr<LabelledRows> result(new LabelledRows);
  LabelledRows& rows = *result;
  rows.path_ = path;
  if (file_format(path) == "dcgan-images") {
    rows.packed_ = std::make_unique<PackedImageReader>(path);
    rows.columns_ = rows.packed_->info().height * rows.packed_->info().width * 3;
    rows.set_labels(rows.packed_->labels(), rows.packed_->info().classes, "labels");
  } else {
    rows.features_ = std::make_unique<tools::FeatureRows>(path, features, labels);
    const FeatureFileReader& file = rows.features_->file();
    rows.columns_ = file.feature_count();
    rows.set_labels(file.labels(), file.info().classes, labels);
  }
  return result;
}

void LabelledRows::set_labels(const std::vector<int32_t>& labels, const std::vector<std::string>& classes,
                              const std::string& dataset) {
  if (labels.empty()) {
    throw FileError(path_, "no labels (dataset \"", dataset,
                    "\"); extract from class folders, or name the dataset with --labels.");
  }
  labels_ = classes.empty() ? eval::name_by_number(labels) : eval::NamedLabels{classes, labels};
  left_out_ = std::count(labels_.labels.begin(), labels_.labels.end(), -1);
  if (left_out_ == 0) return;
  labels_.labels.clear();
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0) continue;
    labels_.labels.push_back(labels[i]);
    row_of_.push_back(static_cast<int64_t>(i));
  }
  if (row_of_.empty()) throw FileError(path_, "none of its ", left_out_, " rows has a label.");
}

void LabelledRows::read(int64_t first, int64_t count, float* out, int64_t pitch) const {
  if (row_of_.empty()) return read_rows(first, count, out, pitch);
  // Runs of rows that lie together in the file.
  for (int64_t done = 0; done < count;) {
    const int64_t* row = row_of_.data() + first + done;
    int64_t run = 1;
    while (done + run < count && row[run] == row[0] + run) ++run;
    read_rows(row[0], run, out + done * pitch, pitch);
    done += run;
  }
}

void LabelledRows::read_rows(int64_t first, int64_t count, float* out, int64_t pitch) const {
  if (packed_) {
    std::vector<uint8_t> pixels(count * columns_);
    packed_->read(first, count, pixels.data());
    for (int64_t i = 0; i < count * columns_; ++i) {
      out[i / columns_ * pitch + i % columns_] = eval::scaled_pixel(pixels[i]);
    }
    return;
  }
  features_->read(first, count, out, pitch);
}

void check_pair(const LabelledRows& train, const LabelledRows& test, bool quiet) {
  if (train.are_pixels() != test.are_pixels()) {
    const LabelledRows& pixels = train.are_pixels() ? train : test;
    throw FileError(pixels.path(), "format is dcgan-images, expected dcgan-features as in ",
                    (train.are_pixels() ? test : train).path(),
                    "; packed images stand for their pixels only where both files are.");
  }
  if (train.columns() != test.columns()) {
    throw FileError(test.path(), test.columns(), " features a row, expected ", train.columns(), " as in ", train.path(),
                    "; extract both with the same model, --layers and --grid.");
  }
  if (train.compression() != test.compression()) {
    throw FileError(test.path(), "went through another compression than ", train.path(),
                    "; extract both with the same --compress.");
  }
  const auto warn = [quiet](const std::string& text) { cli::log(quiet, "warning: " + text); };
  for (const LabelledRows* file : {&train, &test}) {
    if (file->left_out() == 0) continue;
    warn(text_of(file->path(), ": ", file->left_out(), " rows without a label are left out."));
  }
  if (std::filesystem::equivalent(train.path(), test.path())) {
    warn("--train and --test are the same file: the accuracy says nothing about other images.");
  }
  if (!train.model_sha256().empty() && !test.model_sha256().empty() && train.model_sha256() != test.model_sha256()) {
    warn(train.path() + " and " + test.path() + " were extracted with different models.");
  }
}

}  // namespace dcgan::eval_tool
