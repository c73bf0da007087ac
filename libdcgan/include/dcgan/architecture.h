#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/options.h"

namespace dcgan {

/// Distribution of the noise z: U[-1, 1] (all published models but one) or N(0, 1) (SVHN; from the folder name
/// "100z_gaussian" of the authors' release).
enum class Latent { kUniform, kNormal };

template <>
struct EnumNames<Latent> {
  static constexpr std::array<std::string_view, 2> kNames = {"uniform", "normal"};
};

/// Shape of a discriminator and its generator, which mirrors it. The defaults are the ImageNet-32 model of Radford,
/// Metz, Chintala 2016 (arXiv:1511.06434), section 5.1; released weights
/// "imagenet_gan_pretrain_128f_relu_lrelu_7l_3x3_256z".
///
/// The image is halved by a stride-2 convolution until it is 4x4. Each halving is a scale; scale i has width ndf * 2^i
/// and `convs_per_scale` convolutions, all of stride 1 but the last.
struct ArchitectureOptions {
  int64_t image_size = 32;      ///< H = W, pixels; a power of two, at least 8
  int64_t kernel = 3;           ///< side of every convolution, pixels; odd
  int64_t convs_per_scale = 2;  ///< depth; 2 in the ImageNet-32 model, 1 in all others
  int64_t ndf = 128;            ///< channels of the discriminator's first convolution
  int64_t ngf = 128;            ///< channels of the generator's last hidden layer
  int64_t nz = 256;             ///< Z, dimensions of the noise
  Latent latent = Latent::kUniform;
};

template <class Visitor>
void describe(ArchitectureOptions& o, Visitor&& f) {
  f(o.image_size, "image-size", "height and width of the images, pixels");
  f(o.kernel, "kernel", "side of the convolution kernels, pixels");
  f(o.convs_per_scale, "convs-per-scale", "convolutions at each scale (depth)");
  f(o.ndf, "ndf", "channels of the discriminator's first convolution");
  f(o.ngf, "ngf", "channels of the generator's last hidden layer");
  f(o.nz, "nz", "dimensions of the noise z");
  f(o.latent, "latent", "distribution of the noise: uniform or normal");
}

/// Throws OptionError that names the flag, the value and the rule.
DCGAN_EXPORT void check(const ArchitectureOptions& options);

/// Published models: "imagenet32", "lsun64", "faces64", "svhn32" (arXiv:1511.06434 and the authors' code).
/// @throws OptionError for another name, listing these.
DCGAN_EXPORT ArchitectureOptions published_architecture(const std::string& name);
DCGAN_EXPORT const std::vector<std::string>& published_architecture_names();

/// One convolution of the discriminator, or one fractionally-strided convolution of the generator.
/// Padding is kernel / 2; the output is size_in / stride, respectively size_in * stride.
struct ConvolutionShape {
  int64_t in_channels;
  int64_t out_channels;
  int64_t kernel;
  int64_t stride;
  int64_t size_in;   ///< H = W of the input, pixels
  int64_t size_out;  ///< H = W of the output, pixels
  bool batch_norm;
};

/// Lowest layer first. Batch norm everywhere except on the discriminator's first and the generator's last convolution
/// (arXiv:1511.06434, section 3).
DCGAN_EXPORT std::vector<ConvolutionShape> discriminator_convolutions(const ArchitectureOptions& options);
DCGAN_EXPORT std::vector<ConvolutionShape> generator_convolutions(const ArchitectureOptions& options);

/// Side of the smallest feature map, where the generator starts and the discriminator's dense layer looks.
constexpr int64_t kBaseSize = 4;

/// Number of features of the given convolutions (1-based; empty: all), each max-pooled to grid x grid.
DCGAN_EXPORT int64_t feature_count(const ArchitectureOptions& options, const std::vector<int64_t>& layers = {},
                                   int64_t grid = 4);

}  // namespace dcgan
