#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/model_file.h"
#include "features/engine.h"

namespace dcgan::features {

/// A network of a model file on the CPU, in float32 on our kernels, whose batch norms take each minibatch's own mean
/// and biased variance. The moments are the same, bit for bit, whatever the number of threads.
class NetworkMoments : public MomentEngine {
 public:
  /// @param threads  0: one per core
  static NetworkMoments of_discriminator(const ModelFile& model, int64_t threads);
  static NetworkMoments of_generator(const ModelFile& model, int64_t threads);
  ~NetworkMoments() override;
  NetworkMoments(NetworkMoments&&) noexcept;
  NetworkMoments& operator=(NetworkMoments&&) noexcept;

  /// Of a discriminator.
  void add(const uint8_t* images, int64_t count, MomentAverage& average) override;
  /// Of a generator. @param noise  float32 [N, Z]
  void add_noise(const std::vector<float>& noise, MomentAverage& average);

 private:
  struct Impl;
  explicit NetworkMoments(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dcgan::features
