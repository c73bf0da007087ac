#pragma once

#include "data/image_folder.h"
#include "data/tar_archive.h"

namespace dcgan::data {

/// The images of a list as members of an archive; a path that is not there is a failure.
class TarImages : public ListedImages {
 public:
  TarImages(ImageList list, TarArchive archive, const DecodeOptions& options)
      : ListedImages(std::move(list), options), archive_(std::move(archive)) {}

  std::vector<DecodedImage> load(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  TarArchive archive_;
};

/// All images of an archive, in byte order of their paths: those of the folder that it unpacks to.
ImageList list_images(const TarArchive& archive, const std::string& name);

}  // namespace dcgan::data
