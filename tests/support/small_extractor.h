#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "dcgan/feature_extractor.h"
#include "dcgan/model_file.h"
#include "dcgan/next_images.h"
#include "tests/support/random_model.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {

/// Tests of an extractor on the model file of a small network.
class SmallExtractor : public testing::Test {
 protected:
  SmallExtractor() {
    model_.architecture.ndf = model_.architecture.ngf = 8;
    model_.architecture.nz = 4;
    save();
  }

  void save() {
    model_ = random_model(model_.architecture);
    save_model(path_, model_);
  }

  /// Feeds images to infer_statistics() in pieces of `piece`.
  static NextImages feed(const std::vector<uint8_t>& pixels, int64_t piece) {
    return [&pixels, piece, done = size_t{0}](uint8_t* to, int64_t capacity) mutable {
      const int64_t left = static_cast<int64_t>(pixels.size() - done) / kImageBytes;
      const int64_t count = std::min({piece, capacity, left});
      std::copy_n(pixels.data() + done, count * kImageBytes, to);
      done += count * kImageBytes;
      return count;
    };
  }

  static std::vector<uint8_t> some_pixels(int64_t count) {
    std::vector<uint8_t> pixels(count * kImageBytes);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>((i * i / 7 + i * 31) % 256);
    return pixels;
  }

  static std::vector<float> extract(FeatureExtractor& extractor, const std::vector<uint8_t>& pixels) {
    const auto count = static_cast<int64_t>(pixels.size()) / kImageBytes;
    std::vector<float> features(count * extractor.feature_count());
    extractor.extract(pixels.data(), count, 32, 32, 0, features.data());
    return features;
  }

  static constexpr int64_t kImageBytes = 32 * 32 * 3;
  TemporaryFolder folder_;
  std::string path_ = folder_ / "model.safetensors";
  ModelFile model_;
};

}  // namespace dcgan::test
