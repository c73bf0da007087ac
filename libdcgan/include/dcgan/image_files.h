#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/export.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/image_view.h"

// In libdcgan_images.so (CMake: dcgan::images; pkg-config: dcgan-images), which brings OpenCV and its codecs.
namespace dcgan {

/// Bytes that give no image: cut short, damaged, of another format, too large.
class DCGAN_EXPORT ImageError : public Error {
 public:
  template <class First, class... More>
  explicit ImageError(const First& first, const More&... more) : Error(ErrorCode::kBadImage, first, more...) {}
};

/// An image in memory of its own.
struct LoadedImage {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<uint8_t> pixels;  ///< uint8 [H, W, 3], RGB

  ImageView view() const { return {pixels.data(), width, height}; }
};

constexpr int64_t kMostPixels = 100'000'000;  ///< W * H of an image that is decoded unasked: 300 MB

/// Decodes JPEG, PNG, WebP, BMP or TIFF to the pixels that dcgan-extract makes of it. May be called from many threads.
/// @throws ImageError "`path`: why there is no image"
DCGAN_EXPORT LoadedImage load_image(const std::string& path, int64_t most_pixels = kMostPixels);
/// The same for the bytes of a file.
DCGAN_EXPORT LoadedImage load_image(const uint8_t* bytes, size_t size, int64_t most_pixels = kMostPixels);

/// Why the file of this number gives no image.
using FileFailure = std::function<void(int64_t number, const std::string& reason)>;

/// The extractor's features of load_image() of each file: decoded by threads of their own while the extractor works, in
/// memory that does not grow with the number of files.
///
/// FeatureExtractor::on_progress() counts files, after each block of them; it may throw, which stops the work: rows
/// that were done by then stay.
/// @param features  float32 [files, D]; rows of files that give no image become NaN
/// @param failed    called for each of those files, in order; null: the first is an error
/// @throws ImageError "`path`: why there is no image"
DCGAN_EXPORT void extract_files(FeatureExtractor& extractor, const std::vector<std::string>& paths, float* features,
                                const FileFailure& failed = nullptr, int64_t most_pixels = kMostPixels);

/// The bytes of an image file, for as long as somebody keeps them.
struct EncodedImage {
  const uint8_t* bytes = nullptr;
  size_t size = 0;
};

/// The same of files that lie in memory, called "image 0", "image 1", ... in messages.
DCGAN_EXPORT void extract_encoded(FeatureExtractor& extractor, const std::vector<EncodedImage>& files, float* features,
                                  const FileFailure& failed = nullptr, int64_t most_pixels = kMostPixels);

}  // namespace dcgan
