#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "data/resize.h"
#include "dcgan/images.h"
#include "eval/svm/rows.h"
#include "tools/cli/command_line.h"

namespace dcgan::explore_tool {

/// Images that a command line names, resized as a network takes them.
class PreparedImages {
 public:
  PreparedImages(const std::vector<std::string>& inputs, const data::ResizeOptions& resize,
                 const cli::CommonOptions& common);

  int64_t count() const { return source_->count(); }
  std::string path(int64_t i) const { return source_->path(i); }
  int64_t size() const { return resize_.size; }
  /// Some of them, by number, in that order. @throws FileError for one that cannot be decoded
  ImageBatch images(const std::vector<int64_t>& numbers) const;
  /// Those from `first` on that can be decoded, with their numbers.
  struct Part {
    ImageBatch images;
    std::vector<int64_t> numbers;
    std::vector<Failure> failures;
  };
  Part part(int64_t first, int64_t count) const;

 private:
  std::unique_ptr<data::ImageSource> source_;
  data::ResizeOptions resize_;
  int64_t threads_;
};

/// Their pixels as the raw-pixel baseline has them: x / 127.5 - 1, order H, W, C. An image that cannot be decoded is
/// far from every other.
class PixelRows : public eval::RowSource {
 public:
  explicit PixelRows(const PreparedImages& images) : images_(images) {}
  int64_t rows() const override { return images_.count(); }
  int64_t columns() const override { return images_.size() * images_.size() * 3; }
  void read(int64_t first, int64_t count, float* out, int64_t pitch) const override;

 private:
  const PreparedImages& images_;
};

/// Pixels of images in memory as such rows.
eval::FeatureMatrix pixel_matrix(const ImageBatch& images);

}  // namespace dcgan::explore_tool
