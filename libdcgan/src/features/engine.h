#pragma once

#include <cstdint>

#include "base/moment_average.h"
#include "dcgan/export.h"

namespace dcgan::features {

/// Makes the features of a discriminator: InferenceEngine on a CPU in float32; otherwise one of LibTorch's operators,
/// which comes from libdcgan_train.so. One call at a time.
class DCGAN_EXPORT Engine {
 public:
  virtual ~Engine() = default;
  /// @param images    uint8 [count, H, W, 3], RGB
  /// @param features  float32 [count, D]: each kept layer flattened (C, H, W), lowest layer first
  virtual void run(const uint8_t* images, int64_t count, float* features) = 0;
};

/// Runs a discriminator whose batch norms take each minibatch's own statistics. One call at a time.
class DCGAN_EXPORT MomentEngine {
 public:
  virtual ~MomentEngine() = default;
  /// Adds the moments of every layer that has batch norm.
  /// @param images  uint8 [count, H, W, 3], RGB: one minibatch
  virtual void add(const uint8_t* images, int64_t count, MomentAverage& average) = 0;
};

}  // namespace dcgan::features
