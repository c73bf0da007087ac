#pragma once

#include <utility>
#include <vector>

#include "data/image_source.h"

namespace dcgan::data {

/// Some images of another data set, in a given order: a shuffle, a part, a sample.
class SelectedSource : public ImageSource {
 public:
  /// @param source   must outlive this
  /// @param indices  image i of this is image indices[i] of the source
  SelectedSource(const ImageSource& source, std::vector<int64_t> indices)
      : source_(source), indices_(std::move(indices)) {}

  int64_t count() const override { return static_cast<int64_t>(indices_.size()); }
  std::string path(int64_t i) const override { return source_.path(at(i)); }
  const std::vector<std::string>& classes() const override { return source_.classes(); }
  int32_t label(int64_t i) const override { return source_.label(at(i)); }
  std::string description() const override { return source_.description(); }
  std::vector<std::string> files() const override { return source_.files(); }

  std::vector<DecodedImage> load(int64_t first, int64_t count) const override {
    std::vector<DecodedImage> images;
    for (int64_t i = first; i < first + count; ++i) images.push_back(std::move(source_.load(at(i), 1).front()));
    return images;
  }

 private:
  int64_t at(int64_t i) const { return indices_[i]; }

  const ImageSource& source_;
  std::vector<int64_t> indices_;
};

}  // namespace dcgan::data
