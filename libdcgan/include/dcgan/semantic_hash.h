#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"

namespace dcgan {

/// How the autoencoder of SemanticHash is trained. The paper gives its shape and kinds of layers, not these numbers;
/// ours were chosen on Tiny-ImageNet at 32x32 (docs/benchmarks.md).
struct HashOptions {
  int64_t train_images = 100'000;  ///< random images that it is trained on: 3 kB of memory each
  int64_t epochs = 8;
  int64_t batch_size = 512;
  double learning_rate = 1e-3;  ///< of Adam
  double noise = 2;             ///< standard deviation of what is added to pixels of standard deviation 1
  double dropout = 0.5;         ///< share of the code's units that a step leaves out
};

template <class Visitor>
void describe(HashOptions& o, Visitor&& f) {
  f(o.train_images, "train-images", "random images that the autoencoder is trained on");
  f(o.epochs, "epochs", "passes over them");
  f(o.batch_size, "batch-size", "images per step");
  f(o.learning_rate, "learning-rate", "Adam's step size");
  f(o.noise, "noise", "standard deviation of what is added to pixels of standard deviation 1");
  f(o.dropout, "dropout", "share of the code's units that a step leaves out");
}

/// Throws OptionError that names the flag, the value and the rule.
DCGAN_EXPORT void check(const HashOptions& options);

constexpr int64_t kHashSide = 32;   // arXiv:1511.06434, section 4.1.1: 32x32 down-sampled centre crops, 3,072 values
constexpr int64_t kHashBits = 128;  // there: 3072-128-3072

/// 128 bits, and which of them were close.
struct ImageCode {
  static constexpr size_t kUnsureBits = 16;
  std::array<uint64_t, 2> bits{};             ///< unit 64 w + b is bit b of word w
  std::array<uint8_t, kUnsureBits> unsure{};  ///< the units nearest to their threshold, nearest first
};

/// Codes that are equal for images that look alike: which units of a de-noising ReLU autoencoder with dropout are
/// active (Radford et al. 2016, arXiv:1511.06434, section 4.1.1). Pixels are standardised per image, so that brightness
/// and contrast do not count; pictures of one flat grey are all alike. Not safe for concurrent use.
class DCGAN_EXPORT SemanticHash {
 public:
  struct Training {
    HashOptions options;
    uint64_t seed = 0;
    int64_t threads = 0;  ///< 0: as LibTorch decides
    std::string device = "cpu";
    std::function<void(int64_t epoch, double loss)> on_epoch = [](int64_t, double) {};  ///< mean squared error
    std::function<bool()> should_stop = [] { return false; };  ///< asked after every step; the codes are poor then
  };
  /// @param pixels  uint8 [count, 32, 32, 3]
  SemanticHash(const std::vector<uint8_t>& pixels, const Training& training);
  ~SemanticHash();

  /// @param pixels  uint8 [count, 32, 32, 3]   @return [count]
  std::vector<ImageCode> codes(const std::vector<uint8_t>& pixels) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dcgan
