#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dcgan/export.h"

namespace dcgan {

/// PyTorch's defaults, which networks of others have; those of the published family are in dcgan/architecture.h.
constexpr double kUsualEpsilon = 1e-5;
constexpr double kUsualMomentum = 0.1;

/// What follows a layer's sums.
struct LayerEnd {
  bool bias = false;
  bool batch_norm = false;
  double epsilon = kUsualEpsilon;    ///< of batch norm
  double momentum = kUsualMomentum;  ///< of its running averages, for programs that go on training; ours has none
  double slope = 1;                  ///< LeakyReLU's for negative values; 0: ReLU, 1: no activation
  bool norm_last = false;            ///< batch norm comes after the activation
};

/// One convolution of the discriminator, or one fractionally-strided convolution of the generator, which is the adjoint
/// of a convolution of the same numbers from its output to its input.
struct ConvolutionShape : LayerEnd {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t size_in = 0;     ///< H = W of the input, pixels
  int64_t size_out = 0;    ///< H = W of the output, pixels
  int64_t resize = 1;      ///< 2: max-pooled by 2x2 after the activation, respectively doubled before the convolution
  int64_t pad_before = 0;  ///< rows of zeros above the convolution's input, columns to its left
  int64_t pad_after = 0;   ///< below and to the right: TensorFlow's SAME pads a kernel of 5, stride 2, by 1 and 2
};

struct DenseShape : LayerEnd {
  int64_t inputs = 0;
  int64_t outputs = 0;
};

/// A discriminator from below: convolutions, whose outputs are the features; then what makes the logit, which gives
/// none.
struct DiscriminatorLayers {
  std::vector<ConvolutionShape> convolutions;
  bool average_pool = false;  ///< the dense layers see the mean of each map, not all its values (C, H, W)
  std::optional<DenseShape> hidden;
  DenseShape head;  ///< a convolution over the whole of the last maps is this as well
};

/// How the noise becomes the generator's first maps [C, size, size].
struct ProjectionShape : LayerEnd {
  int64_t channels = 0;
  int64_t size = 0;
  bool transposed = false;     ///< by a transposed convolution from 1x1: its weight is [Z, C, size, size]
  bool norm_per_unit = false;  ///< batch norm has statistics for each value of the maps, as in the authors' code
  int64_t units() const { return channels * size * size; }
  int64_t norm_channels() const { return norm_per_unit ? units() : channels; }
};

struct GeneratorLayers {
  std::optional<DenseShape> hidden;  ///< between the noise and the projection
  ProjectionShape project;
  std::vector<ConvolutionShape> convolutions;  ///< from the smallest maps upwards
  bool sigmoid = false;                        ///< pixels in [0, 1] by a sigmoid, not in [-1, 1] by tanh
};

/// A list of layers as text, steps separated by semicolons or lines:
///   conv KERNEL STRIDE PADDING [to CHANNELS] [bias]    PADDING: 1, 1+2 (before and after), or same (TensorFlow's)
///   bn [EPSILON [MOMENTUM]], lrelu SLOPE, relu, maxpool 2          of the layer before, in their order
///   mean, dense to UNITS [bias]                                     towards the logit; flatten stands for nothing
///   dropout, sigmoid, flatten                                       nothing, but what people write
/// The last layer makes the logit: `dense to 1`, or a convolution over the whole maps.
///
/// A generator's: `dense to CxHxH` or `deconv K 1 0 to C` (from 1x1), `bn` or `bn units`; `deconv K S P to C`, whose
/// padding is that of the convolution that it is the adjoint of: PyTorch's padding 2 with output_padding 1 is 2+1;
/// `upsample 2` before a deconv; `tanh` or `sigmoid` at the end.
///
/// Channels that no step says are 0, for somebody who knows them from weights; complete() misses them.
/// @throws Error naming the step, what was found and what was expected
DCGAN_EXPORT DiscriminatorLayers parse_discriminator(const std::string& text);
DCGAN_EXPORT GeneratorLayers parse_generator(const std::string& text);

/// One step each; joined by "; " they are what parse_... reads.
DCGAN_EXPORT std::vector<std::string> steps_of(const DiscriminatorLayers& layers);
DCGAN_EXPORT std::vector<std::string> steps_of(const GeneratorLayers& layers);
DCGAN_EXPORT std::string joined_steps(const std::vector<std::string>& steps);

/// What lies below the first layer.
struct MapsBelow {
  int64_t channels, size;
};
/// Fills in channels and sizes from below.
/// @throws Error naming the layer where maps do not come out whole, or nothing says its channels
DCGAN_EXPORT void complete(DiscriminatorLayers& layers, const MapsBelow& input);
/// @param nz  dimensions of the noise
/// @param image  what has to come out
DCGAN_EXPORT void complete(GeneratorLayers& layers, int64_t nz, const MapsBelow& image);

}  // namespace dcgan
