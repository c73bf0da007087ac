#include "data/packed_contents.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "dcgan/errors.h"

namespace dcgan::data {

std::string pixel_checksum(const PackedImageReader& images) {
  constexpr int64_t kBlock = 1024;
  const int64_t size = images.info().height * images.info().width * 3;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  std::vector<uint8_t> pixels(static_cast<size_t>(kBlock * size));
  for (int64_t first = 0; good && first < images.count(); first += kBlock) {
    const int64_t count = std::min(kBlock, images.count() - first);
    images.read(first, count, pixels.data());
    good = EVP_DigestUpdate(context.get(), pixels.data(), static_cast<size_t>(count * size)) == 1;
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (!good || EVP_DigestFinal_ex(context.get(), digest, &length) != 1) throw Error("SHA-256 failed in OpenSSL.");
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

std::vector<int64_t> class_counts(const PackedImageReader& images) {
  std::vector<int64_t> counts(images.info().classes.size(), 0);
  for (const int32_t label : images.labels()) ++counts.at(static_cast<size_t>(label));
  return counts;
}

ImageBatch read_images(const PackedImageReader& images, int64_t first, int64_t count) {
  count = std::min(count, images.count() - first);
  ImageBatch batch;
  batch.height = images.info().height;
  batch.width = images.info().width;
  batch.pixels.resize(static_cast<size_t>(count * batch.height * batch.width * 3));
  images.read(first, count, batch.pixels.data());
  batch.paths.assign(images.paths().begin() + first, images.paths().begin() + first + count);
  if (!images.labels().empty())
    batch.labels.assign(images.labels().begin() + first, images.labels().begin() + first + count);
  return batch;
}

}  // namespace dcgan::data
