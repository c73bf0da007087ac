#pragma once

#include "data/image_source.h"
#include "dcgan/packed_images.h"

namespace dcgan::data {

/// A packed image file as a data set.
class PackedSource : public ImageSource {
 public:
  explicit PackedSource(PackedImageReader reader) : reader_(std::move(reader)) {}

  int64_t count() const override { return reader_.count(); }
  std::string path(int64_t i) const override { return reader_.paths()[i]; }
  const std::vector<std::string>& classes() const override { return reader_.info().classes; }
  int32_t label(int64_t i) const override { return reader_.labels()[i]; }
  std::vector<DecodedImage> load(int64_t first, int64_t count) const override;
  std::string description() const override;
  std::vector<std::string> files() const override { return {reader_.path()}; }

  const PackedImageReader& reader() const { return reader_; }

 private:
  PackedImageReader reader_;
};

}  // namespace dcgan::data
