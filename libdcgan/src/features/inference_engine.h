#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/architecture.h"
#include "features/engine.h"

namespace dcgan {

/// One convolution of a discriminator with its batch norm folded in. Cross-correlation.
struct FoldedConvolution {
  int64_t in_channels;
  int64_t out_channels;
  int64_t kernel;
  int64_t stride;
  int64_t size_in;                        ///< H = W of the input, pixels
  int64_t size_out;                       ///< before pooling
  std::vector<float> weight;              ///< [out_channels, in_channels, kernel, kernel]
  std::vector<float> bias;                ///< [out_channels]
  int64_t pool = 1;                       ///< 2 where its maps are halved by 2x2 max-pooling for the next one
  int64_t pad_before = (kernel - 1) / 2;  ///< rows above, columns to the left
  int64_t pad_after = kernel / 2;         ///< below and to the right
  double slope = 0.2;                     ///< of the activation, from 0 (ReLU) to 1 (none); arXiv:1511.06434, section 3
  std::vector<float> last_scale = {};     ///< [out_channels] of a batch norm behind the activation, or empty
  std::vector<float> last_shift = {};
};

struct EngineOptions {
  std::vector<int64_t> layers;  ///< 1-based convolutions whose features are kept, lowest first; those above are not run
  /// 1, 2 or 4: side that each map is max-pooled to, in the cells of PyTorch's adaptive max-pooling (kernels/kernels.h)
  int64_t grid = 4;
  int64_t threads = 1;
  int64_t batch_size = 64;  ///< images per pass; changes speed and memory, never the features
  InputOptions input = {};
};

/// The discriminator's convolutions on the CPU, with LeakyReLU and pooling, in float32.
///
/// Each layer takes tiles of m x m output pixels through the bilinear algorithms of kernels/filters.h, which need a
/// half to a third of the multiplications of the definition: the inputs of some tiles are transformed, multiplied by
/// the transformed weights one panel of output channels after the other, and transformed back while they are in the
/// cache. Features are the same, bit for bit, whatever the batch size, the number of images and the number of threads,
/// as each value is made by the same operations in the same order; another instruction set gives other roundings.
///
/// One call at a time; several engines may run side by side.
class InferenceEngine : public features::Engine {
 public:
  /// The instruction set that is used: the best of this machine, or a given one (for tests).
  enum class Instructions { kBest, kAvx512, kAvx2, kPortable };

  /// @throws dcgan::Error where the convolutions do not fit together, or an option is out of range.
  InferenceEngine(const std::vector<FoldedConvolution>& convolutions, const EngineOptions& options,
                  Instructions instructions = Instructions::kBest);
  ~InferenceEngine() override;
  InferenceEngine(InferenceEngine&&) noexcept;
  InferenceEngine& operator=(InferenceEngine&&) noexcept;

  static bool supports(Instructions instructions);

  int64_t feature_count() const;    ///< D = grid^2 * (channels of the kept layers)
  std::string description() const;  ///< instruction set, and the method of each layer

  void run(const uint8_t* images, int64_t count, float* features) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dcgan
