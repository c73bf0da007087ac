#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/image_source.h"
#include "dcgan/images.h"

namespace dcgan::data {

/// Labelled images in memory as a data set.
class MemoryImages : public ImageSource {
 public:
  /// @param description  JSON object
  /// @param files        that they were read from
  MemoryImages(ImageBatch images, std::vector<std::string> classes, std::string description,
               std::vector<std::string> files)
      : images_(std::move(images)),
        classes_(std::move(classes)),
        description_(std::move(description)),
        files_(std::move(files)) {}

  int64_t count() const override { return images_.count(); }
  std::string path(int64_t i) const override { return images_.paths[i]; }
  const std::vector<std::string>& classes() const override { return classes_; }
  int32_t label(int64_t i) const override { return images_.labels[i]; }
  std::string description() const override { return description_; }
  std::vector<std::string> files() const override { return files_; }

  std::vector<DecodedImage> load(int64_t first, int64_t count) const override {
    const int64_t size = images_.height * images_.width * 3;
    std::vector<DecodedImage> images;
    for (int64_t i = first; i < first + count; ++i) {
      const auto begin = images_.pixels.begin() + i * size;
      images.push_back({{images_.height, images_.width, {begin, begin + size}}, ""});
    }
    return images;
  }

 private:
  ImageBatch images_;
  std::vector<std::string> classes_;
  std::string description_;
  std::vector<std::string> files_;
};

}  // namespace dcgan::data
