#include "dcgan/explored_networks.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/max_unpool2d.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <tuple>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "models/generator_statistics.h"
#include "nn/convolution.h"
#include "nn/device.h"
#include "nn/network_tensors.h"
#include "nn/networks.h"

namespace dcgan {
namespace nn {
namespace {

constexpr int64_t kImagesAtOnce = 128;

std::vector<float> values_of(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kCPU, at::kFloat).contiguous();
  return {values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel()};
}

// [1, C, 1, 1], to be multiplied with maps
at::Tensor per_channel(const at::Tensor& values) { return values.view({1, -1, 1, 1}); }

class TorchExploredNetworks : public ExploredNetworks {
 public:
  TorchExploredNetworks(const ModelFile& model, const ExploredNetworksOptions& options)
      : architecture_(model.architecture),
        statistics_(options.batch_statistics ? Statistics::kBatch : Statistics::kFixed),
        device_(resolve_device(options.device)),
        discriminator_(discriminator_from(model)),
        has_generator_(model.has_generator) {
    if (has_generator_) {
      generator_ = generator_from(model);
      constexpr uint64_t kStatisticsSeed = 42;  // whatever the noise's is: statistics are the model's
      if (!options.batch_statistics && models::lacks_generator_statistics(model)) {
        infer_statistics(generator_, architecture_, kStatisticsSeed);
      }
      move_to(device_, generator_);
    }
    move_to(device_, discriminator_);
  }

  ImageBatch images(const std::vector<float>& z) const override {
    const at::NoGradGuard no_grad;
    ImageBatch all;
    for_each_part(z, {architecture_.nz}, whole_batches(), [&](const at::Tensor& noise) {
      ImageBatch part = image_batch_from(generator().forward(noise, statistics_), architecture_.input);
      all.height = part.height;
      all.width = part.width;
      all.pixels.insert(all.pixels.end(), part.pixels.begin(), part.pixels.end());
      for (int64_t i = 0; i < part.count(); ++i) all.paths.push_back(std::to_string(all.paths.size()));
    });
    return all;
  }

  FeatureMaps generator_maps(const std::vector<float>& z, int64_t layer) const override {
    const at::NoGradGuard no_grad;
    FeatureMaps all;
    for_each_part(z, {architecture_.nz}, whole_batches(), [&](const at::Tensor& noise) {
      at::Tensor maps;
      generator().forward(noise, statistics_, [&](size_t number, const at::Tensor& pre_activation) {
        if (static_cast<int64_t>(number) == layer) maps = pre_activation.clone();
      });
      if (!maps.defined()) throw Error("the generator has no layer ", layer, ".");
      const BatchNorm& norm = norm_of(layer);
      if (norm.weight.defined()) maps = norm.forward(maps, statistics_);
      if (layer == 0) maps = maps.view({maps.size(0), -1, generator_.projection.size, generator_.projection.size});
      const double slope = end_of(layer).slope;
      append(all, slope == 0 ? maps.relu() : at::leaky_relu(maps, slope));
    });
    return all;
  }

  void drop_maps(int64_t layer, const std::vector<int64_t>& channels) override {
    const at::NoGradGuard no_grad;
    generator();
    const ProjectionShape& p = generator_.projection;
    const int64_t units = layer == 0 && p.norm_per_unit ? p.size * p.size : 1;  // of a channel
    BatchNorm& norm = norm_of(layer);
    for (const int64_t channel : channels) {
      // Batch norm would move a map of zeros to its shift: without scale and shift it is 0 after it.
      if (norm.weight.defined()) {
        norm.weight.narrow(0, channel * units, units).zero_();
        norm.bias.narrow(0, channel * units, units).zero_();
      } else if (layer == 0) {
        const int64_t values = p.transposed ? 1 : p.size * p.size;  // of a channel
        generator_.project.narrow(p.transposed ? 1 : 0, channel * values, values).zero_();
        const at::Tensor& bias = generator_.project_bias;
        if (bias.defined()) bias.narrow(0, channel * values, values).zero_();
      } else {
        const Convolution& c = generator_.convolutions[static_cast<size_t>(layer - 1)];
        c.weight.narrow(1, channel, 1).zero_();
        if (c.bias.defined()) c.bias.narrow(0, channel, 1).zero_();
      }
    }
  }

  FeatureMaps discriminator_maps(const std::vector<float>& images, int64_t layer) const override {
    const at::NoGradGuard no_grad;
    FeatureMaps all;
    for_each_part(images, image_shape(), kImagesAtOnce, [&](const at::Tensor& part) {
      append(all, discriminator_.activations(as_input(part), Statistics::kFixed).at(layer - 1));
    });
    return all;
  }

  GuidedGradients guided_gradients(const std::vector<float>& images, int64_t layer, int64_t channel) const override {
    const at::NoGradGuard no_grad;
    for (const Convolution& c : discriminator_.convolutions) {
      if (c.shape.norm_last) {
        throw Error("guided gradients are not there for networks with batch norm behind the activation.");
      }
    }
    GuidedGradients all;
    for_each_part(images, image_shape(), kImagesAtOnce, [&](const at::Tensor& part) {
      // After batch norm and before the activation, which does not change what is positive.
      std::vector<at::Tensor> maps;
      const at::Tensor top =
          discriminator_
              .activations(
                  as_input(part), Statistics::kFixed,
                  [&](size_t number, const at::Tensor& h) {
                    const Convolution& c = discriminator_.convolutions.at(number - 1);
                    maps.push_back(c.shape.batch_norm ? c.batch_norm.forward(h, Statistics::kFixed) : h.clone());
                  })
              .at(layer - 1);
      const auto [strongest, positions] = top.select(1, channel).flatten(1).max(1);
      at::Tensor gradient = at::zeros_like(top, at::MemoryFormat::Contiguous);
      gradient.select(1, channel).flatten(1).scatter_(1, positions.unsqueeze(1), 1);
      for (int64_t i = layer; i >= 1; --i) {
        gradient = guided_step(gradient, maps[i - 1], static_cast<size_t>(i - 1));
      }
      const std::vector<float> values = values_of(of_colours(gradient)), responses = values_of(strongest);
      all.gradients.insert(all.gradients.end(), values.begin(), values.end());
      all.responses.insert(all.responses.end(), responses.begin(), responses.end());
      const at::Tensor places = positions.to(at::kCPU).contiguous();
      all.positions.insert(all.positions.end(), places.const_data_ptr<int64_t>(),
                           places.const_data_ptr<int64_t>() + places.numel());
    });
    return all;
  }

 private:
  // From the gradient of a convolution's output, activated and pooled, to that of its input.
  at::Tensor guided_step(at::Tensor gradient, const at::Tensor& maps, size_t i) const {
    const Convolution& c = discriminator_.convolutions[i];
    if (c.shape.resize > 1) {
      const at::Tensor activated = at::leaky_relu(maps, c.shape.slope).contiguous();
      const at::Tensor sources = std::get<1>(at::max_pool2d_with_indices(activated, {c.shape.resize, c.shape.resize}));
      gradient = at::max_unpool2d(gradient.contiguous(), sources, {maps.size(2), maps.size(3)});
    }
    gradient = gradient.clamp_min(0).mul(maps.gt(0));
    if (c.shape.batch_norm) {
      const BatchNorm& norm = c.batch_norm;
      gradient = gradient.mul(per_channel(norm.weight.mul(norm.running_var.add(norm.epsilon).rsqrt())));
    }
    const ConvolutionShape& s = c.shape;
    const int64_t reached = (gradient.size(2) - 1) * s.stride + s.kernel;  // rows of the input and its padding
    return convolve_transposed(gradient, c.weight, {s.stride, s.pad_before, reached - s.pad_before - s.size_in});
  }

  // What the discriminator takes of images in RGB and [-1, 1], which were pixels.
  at::Tensor as_input(const at::Tensor& images) const {
    if (architecture_.input == InputOptions()) return images;
    return images_from_pixels(pixels_from_images(images), architecture_.input);
  }

  // The gradient with respect to such images from that with respect to the input.
  at::Tensor of_colours(const at::Tensor& gradient) const {
    const InputOptions& input = architecture_.input;
    if (input == InputOptions()) return gradient;
    const auto per_pixel = [&](const std::vector<double>& values) {  // [1, C, 1, 1]
      std::vector<float> floats(values.begin(), values.end());
      return at::from_blob(floats.data(), {1, static_cast<int64_t>(floats.size()), 1, 1}, at::kFloat)
          .to(device_, at::kFloat, false, true);
    };
    at::Tensor result = gradient.mul(0.5).div(per_pixel(input.deviation));
    if (input.order == ChannelOrder::kBgr) result = result.flip({1});
    return input.channels == 1 ? result.mul(per_pixel({0.299, 0.587, 0.114})) : result;  // the weights of the luma
  }

  const Generator& generator() const {
    if (!has_generator_) throw Error("the model holds no generator.");
    return generator_;
  }

  BatchNorm& norm_of(int64_t layer) {
    return layer == 0 ? generator_.project_norm : generator_.convolutions.at(layer - 1).batch_norm;
  }
  const LayerEnd& end_of(int64_t layer) const {
    if (layer == 0) return generator_.projection;
    return generator_.convolutions.at(static_cast<size_t>(layer - 1)).shape;
  }
  const BatchNorm& norm_of(int64_t layer) const { return const_cast<TorchExploredNetworks*>(this)->norm_of(layer); }

  std::vector<int64_t> image_shape() const { return {3, architecture_.image_size, architecture_.image_size}; }

  // With statistics of the batch all images depend on each other.
  int64_t whole_batches() const { return statistics_ == Statistics::kBatch ? INT64_MAX : kImagesAtOnce; }

  static void append(FeatureMaps& all, const at::Tensor& maps) {
    all.count += maps.size(0);
    all.channels = maps.size(1);
    all.size = maps.size(2);
    const std::vector<float> values = values_of(maps);
    all.values.insert(all.values.end(), values.begin(), values.end());
  }

  // Calls use() with [n, item...] tensors on the device, n at most `most`.
  template <class Use>
  void for_each_part(const std::vector<float>& values, std::vector<int64_t> item, int64_t most, const Use& use) const {
    int64_t item_size = 1;
    for (const int64_t side : item) item_size *= side;
    const auto all = static_cast<int64_t>(values.size());
    if (all == 0 || all % item_size != 0) {
      throw Error("networks are given ", all, " values, which are no whole number of ", item_size, ".");
    }
    item.insert(item.begin(), 0);
    for (int64_t first = 0; first < all / item_size; first += item[0]) {
      item[0] = std::min(most, all / item_size - first);
      const float* const begin = values.data() + first * item_size;
      use(at::from_blob(const_cast<float*>(begin), item, at::kFloat).to(device_, at::kFloat, false, /*copy=*/true));
    }
  }

  ArchitectureOptions architecture_;
  Statistics statistics_;
  c10::Device device_;
  Discriminator discriminator_;
  bool has_generator_;
  Generator generator_;
};

}  // namespace
}  // namespace nn

std::unique_ptr<ExploredNetworks> explored_networks(const ModelFile& model, const ExploredNetworksOptions& options) {
  return std::make_unique<nn::TorchExploredNetworks>(model, options);
}

std::vector<float> sample_noise(const ArchitectureOptions& architecture, int64_t count, uint64_t seed) {
  // LibTorch draws normal values in groups of 16 and a last group that is shorter again: of whole groups few samples
  // are the first of many.
  constexpr int64_t kGroup = 16;
  const int64_t whole = (count + kGroup - 1) / kGroup * kGroup;
  std::vector<float> z = nn::values_of(nn::draw_noise(architecture, whole, derive_seed(seed, "samples")));
  z.resize(count * architecture.nz);
  return z;
}

}  // namespace dcgan
