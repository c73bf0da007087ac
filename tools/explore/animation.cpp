#include "tools/explore/animation.h"

#include <webp/encode.h>
#include <webp/mux.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "dcgan/errors.h"

namespace dcgan::explore_tool {
namespace {

struct Encoder {
  WebPAnimEncoder* encoder = nullptr;
  WebPPicture picture{};
  WebPData file{};

  ~Encoder() {
    WebPDataClear(&file);
    WebPPictureFree(&picture);
    WebPAnimEncoderDelete(encoder);
  }
};

}  // namespace

void write_animation(const std::string& path, const ImageBatch& images, int64_t milliseconds) {
  Encoder e;
  const auto require = [&](bool holds) {
    if (holds) return;
    const char* const reason =
        e.encoder == nullptr ? "libwebp is of another version" : WebPAnimEncoderGetError(e.encoder);
    throw FileError(path, "cannot be encoded as WebP: ", reason, ".");
  };
  WebPAnimEncoderOptions options;
  WebPConfig config;
  require(WebPAnimEncoderOptionsInit(&options) != 0 && WebPConfigInit(&config) != 0 &&
          WebPPictureInit(&e.picture) != 0);
  config.lossless = 1;
  e.picture.use_argb = 1;
  e.picture.width = static_cast<int>(images.width);
  e.picture.height = static_cast<int>(images.height);
  e.encoder = WebPAnimEncoderNew(e.picture.width, e.picture.height, &options);
  require(e.encoder != nullptr);
  const int64_t row = images.width * 3, size = images.height * row;
  for (int64_t i = 0; i < images.count(); ++i) {
    require(WebPPictureImportRGB(&e.picture, images.pixels.data() + i * size, static_cast<int>(row)) != 0);
    require(WebPAnimEncoderAdd(e.encoder, &e.picture, static_cast<int>(i * milliseconds), &config) != 0);
  }
  require(WebPAnimEncoderAdd(e.encoder, nullptr, static_cast<int>(images.count() * milliseconds), nullptr) != 0);
  require(WebPAnimEncoderAssemble(e.encoder, &e.file) != 0);
  const std::string partial = path + ".partial";
  std::ofstream out(partial, std::ios::binary);
  out.write(reinterpret_cast<const char*>(e.file.bytes), static_cast<std::streamsize>(e.file.size));
  out.close();
  if (!out) throw FileError(partial, "cannot be written; make room, or name another folder with --out.");
  std::filesystem::rename(partial, path);
}

}  // namespace dcgan::explore_tool
