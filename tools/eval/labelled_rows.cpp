#include "tools/eval/labelled_rows.h"

#include <algorithm>
#include <cstring>

#include "dcgan/errors.h"

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
    rows.features_ = std::make_unique<FeatureFileReader>(path, features, labels);
    rows.columns_ = rows.features_->feature_count();
    rows.set_labels(rows.features_->labels(), rows.features_->info().classes, labels);
  }
  return result;
}

void LabelledRows::set_labels(const std::vector<int32_t>& labels, const std::vector<std::string>& classes,
                              const std::string& dataset) {
  if (labels.empty()) {
    throw FileError(path_, "no labels (dataset \"" + dataset +
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
  if (row_of_.empty()) throw FileError(path_, "none of its " + std::to_string(left_out_) + " rows has a label.");
}

std::string LabelledRows::name_of(int64_t row) const {
  const std::vector<std::string>& paths = features_->paths();
  return "row " + std::to_string(row) + (paths.empty() ? "" : " (" + paths[static_cast<size_t>(row)] + ")");
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
    std::vector<uint8_t> pixels(static_cast<size_t>(count * columns_));
    packed_->read(first, count, pixels.data());
    for (int64_t i = 0; i < count * columns_; ++i) {
      out[i / columns_ * pitch + i % columns_] = scaled_pixel(pixels[static_cast<size_t>(i)]);
    }
    return;
  }
  // The reader packs rows densely; a few at a time, since a copy of all would double the memory.
  constexpr int64_t kRowsAtOnce = 32;
  std::vector<float> dense(static_cast<size_t>(std::min(count, kRowsAtOnce) * columns_));
  for (int64_t done = 0; done < count; done += kRowsAtOnce) {
    const int64_t now = std::min(kRowsAtOnce, count - done);
    features_->read(first + done, now, dense.data());
    for (int64_t i = 0; i < now; ++i) {
      const float* row = dense.data() + i * columns_;
      if (const int64_t column = eval::find_not_finite(row, columns_); column >= 0) {
        throw FileError(path_, name_of(first + done + i) + " has a value that is not finite in column " +
                                   std::to_string(column) + "; remove the row, or extract it again.");
      }
      std::memcpy(out + (done + i) * pitch, row, static_cast<size_t>(columns_) * sizeof(float));
    }
  }
}

}  // namespace dcgan::eval_tool
