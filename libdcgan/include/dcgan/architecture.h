#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/layers.h"
#include "dcgan/options.h"
#include "dcgan/resize.h"

namespace dcgan {

/// Distribution of the noise z: U[-1, 1] (all published models but one) or N(0, 1) (SVHN; from the folder name
/// "100z_gaussian" of the authors' release).
enum class Latent { kUniform, kNormal };

template <>
struct EnumNames<Latent> {
  static constexpr std::array<std::string_view, 2> kNames = {"uniform", "normal"};
};

/// How maps are halved and doubled: by convolutions of stride 2, or by ones of stride 1 with 2x2 max-pooling after the
/// activation in the discriminator and nearest-neighbour upsampling before the convolution in the generator.
enum class Scaling { kStrides, kPooling };

template <>
struct EnumNames<Scaling> {
  static constexpr std::array<std::string_view, 2> kNames = {"strides", "pooling"};
};

/// Which layers batch norm follows: all but the discriminator's first and the generator's last convolution, these as
/// well, or none. The discriminator's logit never has it, and no bias takes its place.
enum class NormalizedLayers { kPublished, kAll, kNone };

template <>
struct EnumNames<NormalizedLayers> {
  static constexpr std::array<std::string_view, 3> kNames = {"published", "all", "none"};
};

/// What the discriminator's dense layers see of its last maps [C, 4, 4]: all values, or the mean of each map (global
/// average pooling).
enum class Head { kFlatten, kAveragePool };

template <>
struct EnumNames<Head> {
  static constexpr std::array<std::string_view, 2> kNames = {"flatten", "average-pool"};
};

enum class Activation { kLeakyRelu, kRelu };

template <>
struct EnumNames<Activation> {
  static constexpr std::array<std::string_view, 2> kNames = {"leaky-relu", "relu"};
};

/// The guidelines of arXiv:1511.06434, section 3, and what they argue against. The defaults are what is published.
struct GuidelineOptions {
  Scaling scaling = Scaling::kStrides;
  NormalizedLayers batch_norm = NormalizedLayers::kPublished;
  /// Units of a dense layer between z and the generator's projection, and of one between the discriminator's maps and
  /// its logit, each with batch norm (unless there is none at all) and activation; 0: no such layers. The authors'
  /// MNIST networks have them, of 1,024 units (mnist/train_cond_dcgan.py).
  int64_t hidden_dense = 0;
  Head head = Head::kFlatten;
  Activation activation = Activation::kLeakyRelu;  ///< of the discriminator; the generator's is ReLU
};

template <class Visitor>
void describe(GuidelineOptions& o, Visitor&& f) {
  f(o.scaling, "scaling",
    "how maps are halved and doubled: strides, or pooling (stride 1 with max-pooling and nearest upsampling)");
  f(o.batch_norm, "batch-norm",
    "layers with batch norm: published (all but the discriminator's first and the generator's last), all, none");
  f(o.hidden_dense, "hidden-dense",
    "units of a dense layer after z, and of one before the discriminator's output; 0: none");
  f(o.head, "head", "what the discriminator's dense layer sees of the last maps: flatten, or average-pool");
  f(o.activation, "activation", "of the discriminator: leaky-relu (slope 0.2) or relu");
}

enum class ChannelOrder { kRgb, kBgr };

template <>
struct EnumNames<ChannelOrder> {
  static constexpr std::array<std::string_view, 2> kNames = {"rgb", "bgr"};
};

/// How the pixels of an image become the discriminator's input: (pixel / 255 - mean) / deviation, in the terms of
/// torchvision.transforms.Normalize. The defaults are the published x / 127.5 - 1, in [-1, 1]; mean 0 and deviation 1
/// leave [0, 1]. A generator makes what the discriminator takes.
struct InputOptions {
  int64_t channels = 3;                         ///< 3, or 1: a grey image, of colours the luma of Pillow's "L"
  ChannelOrder order = ChannelOrder::kRgb;      ///< OpenCV's users have trained on BGR
  std::vector<double> mean = {0.5};             ///< of all channels, or one for each in their order
  std::vector<double> deviation = {0.5};        ///< as mean
  ResizeFilter resize = ResizeFilter::kLinear;  ///< what its training images were resized with

  friend bool operator==(const InputOptions& a, const InputOptions& b) {
    return a.channels == b.channels && a.order == b.order && a.mean == b.mean && a.deviation == b.deviation &&
           a.resize == b.resize;
  }
};

template <class Visitor>
void describe(InputOptions& o, Visitor&& f) {
  f(o.channels, "input-channels", "3, or 1: the networks see grey images");
  f(o.order, "input-order", "order of the channels that the network was trained on: rgb or bgr");
  f(o.mean, "input-mean",
    "the input is (pixel / 255 - mean) / deviation: one number, or one for each channel; 0.5 and 0.5 give [-1, 1], 0 "
    "and 1 give [0, 1]");
  f(o.deviation, "input-deviation", "see --input-mean");
  f(o.resize, "input-resize", "what images of another size were resized with: linear or area");
}

/// Shape of a discriminator and its generator, which mirrors it. The defaults are the ImageNet-32 model of Radford,
/// Metz, Chintala 2016 (arXiv:1511.06434), section 5.1; released weights
/// "imagenet_gan_pretrain_128f_relu_lrelu_7l_3x3_256z".
///
/// The image is halved by a stride-2 convolution (or by pooling, see Scaling) until it is 4x4. Each halving is a scale;
/// scale i has width ndf * 2^i and `convs_per_scale` convolutions, all of stride 1 but the last.
///
/// Networks that are none of this family are lists of layers (dcgan/layers.h), of any image size; kernel, depth, widths
/// and guidelines have no meaning then.
struct ArchitectureOptions {
  int64_t image_size = 32;      ///< H = W, pixels; of the family a power of two, at least 8
  int64_t kernel = 3;           ///< side of every convolution, pixels; odd
  int64_t convs_per_scale = 2;  ///< depth; 2 in the ImageNet-32 model, 1 in all others
  int64_t ndf = 128;            ///< channels of the discriminator's first convolution
  int64_t ngf = 128;            ///< channels of the generator's last hidden layer
  int64_t nz = 256;             ///< Z, dimensions of the noise
  Latent latent = Latent::kUniform;
  GuidelineOptions guidelines = {};
  InputOptions input = {};
  std::string network = {};            ///< the discriminator's list of layers; empty: the family's
  std::string generator_network = {};  ///< the generator's list beside it; empty: there is no generator

  bool is_list() const { return !network.empty(); }
  bool has_generator() const { return !is_list() || !generator_network.empty(); }
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
  describe(o.guidelines, f);
  describe(o.input, f);
  f(o.network, "network",
    "the discriminator as a list of layers instead of a size, depth and width: text such as \"conv 4 2 1 to 64; lrelu "
    "0.2; conv 4 2 1 to 128; bn; lrelu 0.2; ...; dense to 1\", or a file with it");
  f(o.generator_network, "generator-network", "the generator beside --network, as text or a file");
}

/// Throws OptionError that names the flag, the value and the rule.
DCGAN_EXPORT void check(const ArchitectureOptions& options);

/// Published models: "imagenet32", "lsun64", "faces64", "svhn32" (arXiv:1511.06434 and the authors' code).
/// @throws OptionError for another name, listing these.
DCGAN_EXPORT ArchitectureOptions published_architecture(const std::string& name);
DCGAN_EXPORT const std::vector<std::string>& published_architecture_names();

/// The networks as lists of layers, whatever says them. @throws OptionError, as check() does
DCGAN_EXPORT DiscriminatorLayers discriminator_layers(const ArchitectureOptions& options);
/// @throws OptionError also where options have a list for the discriminator only
DCGAN_EXPORT GeneratorLayers generator_layers(const ArchitectureOptions& options);
/// Of these the convolutions, lowest first.
DCGAN_EXPORT std::vector<ConvolutionShape> discriminator_convolutions(const ArchitectureOptions& options);
DCGAN_EXPORT std::vector<ConvolutionShape> generator_convolutions(const ArchitectureOptions& options);

/// Side of the family's smallest feature map, where the generator starts and the discriminator's dense layer looks.
constexpr int64_t kBaseSize = 4;

/// Number of features of the given convolutions (1-based; empty: all), each max-pooled to grid x grid.
DCGAN_EXPORT int64_t feature_count(const ArchitectureOptions& options, const std::vector<int64_t>& layers = {},
                                   int64_t grid = 4);

}  // namespace dcgan
