#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/images.h"
#include "dcgan/model_file.h"

namespace dcgan {

/// Maps of one layer, after batch norm and activation.
struct FeatureMaps {
  int64_t count = 0;          ///< N
  int64_t channels = 0;       ///< C
  int64_t size = 0;           ///< H = W
  std::vector<float> values;  ///< float32 [N, C, H, W]
};

/// What of an image a unit answers to.
struct GuidedGradients {
  std::vector<float> gradients;    ///< float32 [N, 3, H, W], of the strongest response with respect to each value
  std::vector<float> responses;    ///< float32 [N], the strongest of the channel's map
  std::vector<int64_t> positions;  ///< [N], where it is: row * side + column
};

struct ExploredNetworksOptions {
  bool batch_statistics = false;  ///< the generator normalises with the statistics of the noise that it is given
  std::string device = "auto";
};

/// The networks of a model, run and differentiated by LibTorch for those who look at what they learned. Layers of the
/// discriminator are its convolutions, from 1; those of the generator its hidden layers from 0, the projection. Not
/// safe for concurrent use.
class DCGAN_EXPORT ExploredNetworks {
 public:
  virtual ~ExploredNetworks() = default;

  /// Images of noise, float32 [N, Z]. uint8 [N, H, W, 3]. @throws Error without a generator
  virtual ImageBatch images(const std::vector<float>& z) const = 0;
  /// The generator's maps. @param layer  0 to convolutions - 1
  virtual FeatureMaps generator_maps(const std::vector<float>& z, int64_t layer) const = 0;
  /// The generator's maps of these channels are 0 everywhere from now on.
  virtual void drop_maps(int64_t layer, const std::vector<int64_t>& channels) = 0;

  /// The discriminator's maps with its fixed statistics.
  /// @param images  float32 [N, 3, H, W] in [-1, 1]   @param layer  from 1
  virtual FeatureMaps discriminator_maps(const std::vector<float>& images, int64_t layer) const = 0;
  /// Guided backpropagation (Springenberg et al. 2014, arXiv:1412.6806) of each image's strongest response in a
  /// channel. LeakyReLU is treated as the rule treats ReLU: a gradient passes only where both activation and gradient
  /// are positive.
  virtual GuidedGradients guided_gradients(const std::vector<float>& images, int64_t layer, int64_t channel) const = 0;
};

/// @throws OptionError for a device that is not there
DCGAN_EXPORT std::unique_ptr<ExploredNetworks> explored_networks(const ModelFile& model,
                                                                 const ExploredNetworksOptions& options = {});

/// Noise that a model's generator takes: float32 [count, Z] from the architecture's distribution.
DCGAN_EXPORT std::vector<float> sample_noise(const ArchitectureOptions& architecture, int64_t count, uint64_t seed);

}  // namespace dcgan
