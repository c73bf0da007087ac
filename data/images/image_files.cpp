#include "dcgan/image_files.h"

#include <algorithm>
#include <future>
#include <limits>
#include <utility>

#include "data/image_decoder.h"
#include "dcgan/resize.h"
#include "parallel/thread_pool.h"

namespace dcgan {
namespace {

data::DecodeOptions options_of(int64_t most_pixels) {
  data::DecodeOptions options;
  options.max_pixels = most_pixels;
  data::check(options);
  return options;
}

data::DecodedImage decode(const EncodedImage& file, const data::DecodeOptions& options) {
  if (file.bytes == nullptr) throw OptionError("there are no bytes of an image: the pointer is null.");
  return data::decode_image(file.bytes, file.size, options);
}

LoadedImage loaded(data::DecodedImage decoded, const std::string& name) {
  if (!decoded.ok()) throw ImageError(name, decoded.failure);
  return {decoded.image.width, decoded.image.height, std::move(decoded.image.pixels)};
}

// Of the files that features are made of.
struct Files {
  int64_t count;
  std::function<data::DecodedImage(int64_t number, const data::DecodeOptions&)> decode;
  std::function<std::string(int64_t number)> name;
};

// A run of files: what the extractor takes, and why a file gives nothing.
struct Block {
  std::vector<uint8_t> squares;      ///< uint8 [n, size, size, 3]
  std::vector<std::string> reasons;  ///< [n]; empty where there is an image
};

constexpr int64_t kBlock = 256;

class BlockLoader {
 public:
  /// @param files  must outlive it
  BlockLoader(const Files& files, const FeatureExtractor& extractor, int64_t most_pixels)
      : files_(files), options_(options_of(most_pixels)), resize_(extractor.resize()), pool_(extractor.threads()) {}

  Block load(int64_t first) {
    const int64_t count = std::min(kBlock, files_.count - first);
    const int64_t bytes = 3 * resize_.size * resize_.size;
    Block block{std::vector<uint8_t>(count * bytes), std::vector<std::string>(count)};
    pool_.run(count, [&](int64_t i) {
      try {
        const data::DecodedImage decoded = files_.decode(first + i, options_);
        block.reasons[i] = decoded.failure;
        if (!decoded.ok()) return;
        const data::RgbImage& image = decoded.image;
        resize_and_crop({image.pixels.data(), image.width, image.height}, resize_, &block.squares[i * bytes]);
      } catch (const std::exception& e) {
        block.reasons[i] = e.what();
      }
    });
    return block;
  }

 private:
  const Files& files_;
  const data::DecodeOptions options_;
  const ResizeOptions resize_;
  parallel::ThreadPool pool_;
};

// The extractor's progress, which counts files and not the images of a block.
class FileProgress {
 public:
  explicit FileProgress(FeatureExtractor& extractor)
      : extractor_(extractor), progress_(extractor.on_progress(nullptr)) {}
  ~FileProgress() { extractor_.on_progress(std::move(progress_)); }
  FileProgress(const FileProgress&) = delete;
  FileProgress& operator=(const FileProgress&) = delete;

  void report(int64_t done, int64_t total) const {
    if (progress_) progress_(done, total);
  }

 private:
  FeatureExtractor& extractor_;
  FeatureExtractor::Progress progress_;
};

void extract_all(FeatureExtractor& extractor, const Files& files, float* features, const FileFailure& failed,
                 int64_t most_pixels) {
  BlockLoader loader(files, extractor, most_pixels);
  const int64_t total = files.count;
  if (total == 0) return;
  if (features == nullptr) throw OptionError("there is no room for features: the pointer is null.");
  const int64_t size = extractor.image_size(), columns = extractor.feature_count();
  const FileProgress progress(extractor);
  const auto load = [&loader](int64_t first) { return loader.load(first); };
  std::future<Block> next = std::async(load, 0);  // the last to be made: it ends before what it uses
  for (int64_t first = 0; first < total; first += kBlock) {
    const Block block = next.get();
    if (first + kBlock < total) next = std::async(load, first + kBlock);
    const auto count = static_cast<int64_t>(block.reasons.size());
    for (int64_t i = 0; i < count;) {
      float* const row = features + (first + i) * columns;
      if (!block.reasons[i].empty()) {
        if (!failed) throw ImageError(files.name(first + i), ": ", block.reasons[i]);
        failed(first + i, block.reasons[i]);
        std::fill_n(row, columns, std::numeric_limits<float>::quiet_NaN());
        ++i;
        continue;
      }
      int64_t end = i + 1;
      while (end < count && block.reasons[end].empty()) ++end;
      extractor.extract(&block.squares[i * 3 * size * size], end - i, size, size, 0, row);
      i = end;
    }
    progress.report(first + count, total);
  }
}

}  // namespace

LoadedImage load_image(const std::string& path, int64_t most_pixels) {
  return loaded(data::decode_image_file(path, options_of(most_pixels)), path + ": ");
}

LoadedImage load_image(const uint8_t* bytes, size_t size, int64_t most_pixels) {
  return loaded(decode({bytes, size}, options_of(most_pixels)), "");
}

void extract_files(FeatureExtractor& extractor, const std::vector<std::string>& paths, float* features,
                   const FileFailure& failed, int64_t most_pixels) {
  const auto decode = [&](int64_t i, const data::DecodeOptions& options) {
    return data::decode_image_file(paths[i], options);
  };
  extract_all(extractor, {static_cast<int64_t>(paths.size()), decode, [&](int64_t i) { return paths[i]; }}, features,
              failed, most_pixels);
}

void extract_encoded(FeatureExtractor& extractor, const std::vector<EncodedImage>& files, float* features,
                     const FileFailure& failed, int64_t most_pixels) {
  const auto decode_file = [&](int64_t i, const data::DecodeOptions& options) { return decode(files[i], options); };
  const auto name = [](int64_t i) { return text_of("image ", i); };
  extract_all(extractor, {static_cast<int64_t>(files.size()), decode_file, name}, features, failed, most_pixels);
}

}  // namespace dcgan
