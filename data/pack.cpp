#include "data/pack.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"

namespace dcgan::data {

PackResult pack_images(const ImageSource& source, const PackJob& job) {
  using nlohmann::ordered_json;
  PackedImagesInfo info;
  info.height = info.width = job.resize.size;
  info.classes = source.classes();
  info.command_line = job.command_line;
  info.preparation = ordered_json({{"source", ordered_json::parse(source.description())},
                                   {"resize", ordered_json::parse(resize_description(job.resize))},
                                   {"seed", job.seed}})
                         .dump();
  PackedImageWriter writer(job.output, info, job.overwrite);
  PipelineOptions options;
  options.threads = job.threads;
  ImagePipeline pipeline(source, job.resize, options);
  PackResult result;
  for (DecodedBlock block; pipeline.next(block);) {
    writer.append(block.images);
    for (const Failure& failure : block.failures) writer.add_failure(failure);
    result.failures.insert(result.failures.end(), block.failures.begin(), block.failures.end());
    job.on_progress(block.first + block.inputs, source.count());
    result.stopped = job.should_stop();
    if (result.stopped) return result;
  }
  result.images = writer.count();
  result.times = pipeline.times();
  if (result.images == 0) {
    throw Error("none of the " + std::to_string(source.count()) + " inputs is a usable image; the first, " +
                result.failures.front().path + ": " + result.failures.front().reason + ".");
  }
  writer.close();
  return result;
}

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

}  // namespace dcgan::data
