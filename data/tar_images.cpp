#include "data/tar_images.h"

#include <nlohmann/json.hpp>

#include "dcgan/errors.h"

namespace dcgan::data {

namespace {

DecodedImage load_member(const TarArchive& archive, const std::string& path, const DecodeOptions& options) {
  DecodedImage image;
  const TarMember* member = archive.find(path);
  if (member == nullptr || !member->failure.empty()) {
    image.failure = member == nullptr ? "is not in the archive" : member->failure;
    return image;
  }
  try {
    const std::vector<uint8_t> bytes = archive.read(*member);
    image = decode_image(bytes.data(), bytes.size(), options);
  } catch (const FileError& error) {
    image.failure = error.what();
  } catch (const std::bad_alloc&) {
    image.failure = "not enough memory to read it";
  }
  return image;
}

}  // namespace

std::vector<DecodedImage> TarImages::load(int64_t first, int64_t count) const {
  std::vector<DecodedImage> images;
  for (int64_t i = first; i < first + count; ++i) images.push_back(load_member(archive_, path(i), options()));
  return images;
}

std::string TarImages::description() const {
  return nlohmann::ordered_json({{"kind", "image files in a tar archive"},
                                 {"decoder", nlohmann::ordered_json::parse(decoder_description(options()))}})
      .dump();
}

ImageList list_images(const TarArchive& archive, const std::string& name) {
  std::vector<std::string> paths;
  for (const TarMember& member : archive.images()) paths.push_back(member.path);
  return labelled_list(std::move(paths), name);
}

}  // namespace dcgan::data
