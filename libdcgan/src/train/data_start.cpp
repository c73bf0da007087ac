#include "train/data_start.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "nn/convolution.h"
#include "nn/network_tensors.h"

namespace dcgan::train {
namespace {

constexpr int64_t kImages = 5000;
constexpr int64_t kPatches = 50000;
constexpr int64_t kMinibatch = 250;    // images whose batch norm is common
constexpr int64_t kScaleImages = 500;  // over which a layer's output gets deviation 1
constexpr int64_t kRounds = 15;
constexpr int64_t kBlock = 4096;  // patches at a time: products of this size need little memory beside the patches
constexpr double kFirstEpsilon = 0.01;  // added to the eigenvalues, as a share of the largest, at the first layer,
constexpr double kEpsilon = 0.1;        // and of their mean above it

int64_t images_used(int64_t images) { return std::min(images, kImages); }
int64_t positions_of(const ConvolutionShape& shape) { return std::max<int64_t>(0, shape.size_in - shape.kernel + 1); }
int64_t depth_of(const ConvolutionShape& shape) { return shape.kernel * shape.kernel * shape.in_channels; }

struct Stopped {};  // thrown where the observer asks for it

/// The start of one convolution.
class LayerStart {
 public:
  LayerStart(const nn::Discriminator& network, size_t layer, const ImageRows& images, uint64_t seed,
             const TrainObserver& observer)
      : below_(network),
        layer_(layer),
        shape_(network.convolutions[layer].shape),
        images_(images),
        order_(shuffled_indices(images.count(), derive_seed(seed, "start-images"))),
        seed_(derive_seed(seed, "start-layer", layer)),
        observer_(observer) {
    below_.convolutions.resize(layer);
    order_.resize(images_used(images.count()));
    depth_ = depth_of(shape_);
    positions_ = positions_of(shape_);
    per_image_ = std::min(positions_ * positions_, (kPatches + taken() - 1) / taken());
  }

  /// float32 [O, I, k, k], channels last in memory.
  at::Tensor weights() {
    at::Tensor patches = draw_patches();
    const at::Tensor whitening = whiten(patches);
    at::Tensor filters = spherical_kmeans(patches).matmul(whitening);
    patches.reset();
    // The network does not centre its patches; a filter without a mean does not see theirs.
    if (layer_ == 0) filters = filters.sub(filters.mean({1}, /*keepdim=*/true));
    const at::Tensor kernels =
        filters.view({shape_.out_channels, shape_.kernel, shape_.kernel, shape_.in_channels}).permute({0, 3, 1, 2});
    return kernels.div(deviation_of_output(kernels));
  }

 private:
  void heed_a_stop() const {
    if (observer_.should_stop()) throw Stopped();
  }

  int64_t taken() const { return static_cast<int64_t>(order_.size()); }

  /// What the layer takes, of the images at first, first + 1, ... of the order.
  at::Tensor input(int64_t first, int64_t count) const {
    heed_a_stop();
    const at::Tensor images = images_.at(order_.data() + first, count).to(at::kCPU);
    return layer_ == 0 ? images : below_.activations(images, nn::Statistics::kBatch).back();
  }

  /// float32 [patches, k * k * I]; each patch as weights lie in memory.
  at::Tensor draw_patches() const {
    at::Tensor patches = at::empty({taken() * per_image_, depth_}, at::kFloat);
    const int64_t side = shape_.size_in;
    const int64_t row = shape_.kernel * shape_.in_channels;
    float* to = patches.mutable_data_ptr<float>();
    for (int64_t first = 0; first < taken(); first += kMinibatch) {
      const int64_t count = std::min(kMinibatch, taken() - first);
      const at::Tensor maps = input(first, count).contiguous(at::MemoryFormat::ChannelsLast);
      const float* values = maps.const_data_ptr<float>();
      for (int64_t i = 0; i < count; ++i, values += side * side * shape_.in_channels) {
        const std::vector<int64_t> places =
            shuffled_indices(positions_ * positions_, derive_seed(seed_, "places", static_cast<uint64_t>(first + i)));
        for (int64_t p = 0; p < per_image_; ++p) {
          const int64_t place = places[p];
          const int64_t y = place / positions_, x = place % positions_;
          for (int64_t k = 0; k < shape_.kernel; ++k, to += row) {
            std::memcpy(to, values + ((y + k) * side + x) * shape_.in_channels, row * sizeof(float));
          }
        }
      }
    }
    if (layer_ == 0) patches.sub_(patches.mean({1}, /*keepdim=*/true));
    return patches;
  }

  template <class Function>
  void for_each_block(const at::Tensor& rows, const Function& f) const {
    for (int64_t first = 0; first < rows.size(0); first += kBlock) {
      heed_a_stop();
      f(rows.narrow(0, first, std::min(kBlock, rows.size(0) - first)), first);
    }
  }

  /// Whitens the patches and gives each the length 1. @return the whitening, float32 [depth, depth], symmetric
  at::Tensor whiten(at::Tensor& patches) const {
    const at::Tensor mean = patches.mean(0);
    at::Tensor covariance = at::zeros({depth_, depth_});
    for_each_block(patches, [&](at::Tensor block, int64_t) {
      block.sub_(mean);
      covariance.addmm_(block.t(), block);
    });
    covariance.div_(static_cast<double>(patches.size(0)));
    const auto [values, vectors] = at::linalg_eigh(covariance);
    const double scale = (layer_ == 0 ? values.max() : values.mean()).item<double>();
    if (!(scale > 0)) {
      throw Error("--initialise patches: all patches of the input of convolution ", layer_ + 1,
                  " are alike; the images do not vary.");
    }
    const double epsilon = (layer_ == 0 ? kFirstEpsilon : kEpsilon) * scale;
    const at::Tensor whitening = vectors.mul(values.clamp_min(0).add(epsilon).rsqrt()).matmul(vectors.t());
    for_each_block(patches, [&](at::Tensor block, int64_t) { block.copy_(normalised(block.matmul(whitening))); });
    return whitening;
  }

  static at::Tensor normalised(const at::Tensor& rows) {
    constexpr double kLeastLength = 1e-12;
    return rows.div(rows.norm(2, {1}, /*keepdim=*/true).clamp_min(kLeastLength));
  }

  /// @param patches  rows of length 1   @return float32 [O, depth], rows of length 1
  at::Tensor spherical_kmeans(const at::Tensor& patches) const {
    const int64_t count = shape_.out_channels;
    const std::vector<int64_t> first = shuffled_indices(patches.size(0), derive_seed(seed_, "centroids"));
    at::Tensor centroids = at::empty({count, depth_}, at::kFloat);
    for (int64_t k = 0; k < count; ++k) centroids[k].copy_(patches[first[k]]);
    std::vector<int64_t> nearest(patches.size(0));
    size_t next = count;  // in `first`: patches that replace centroids without any
    for (int64_t round = 0; round < kRounds; ++round) {
      for_each_block(patches, [&](const at::Tensor& block, int64_t begin) {
        const at::Tensor chosen = block.matmul(centroids.t()).argmax(1);
        std::copy_n(chosen.const_data_ptr<int64_t>(), chosen.numel(), nearest.begin() + begin);
      });
      centroids = sums_by_centroid(patches, nearest);
      std::vector<int64_t> members(count);
      for (const int64_t k : nearest) ++members[k];
      for (int64_t k = 0; k < count; ++k) {
        if (members[k] > 0) continue;
        centroids[k].copy_(patches[first[next++ % first.size()]]);
      }
      centroids = normalised(centroids);
    }
    return centroids;
  }

  // In the order of the patches for any number of threads: each takes columns of its own.
  at::Tensor sums_by_centroid(const at::Tensor& patches, const std::vector<int64_t>& nearest) const {
    at::Tensor sums = at::zeros({shape_.out_channels, depth_});
    const float* from = patches.const_data_ptr<float>();
    float* to = sums.mutable_data_ptr<float>();
    constexpr int64_t kColumns = 256;
    at::parallel_for(0, (depth_ + kColumns - 1) / kColumns, 1, [&](int64_t begin, int64_t end) {
      const int64_t last = std::min(depth_, end * kColumns);
      for (size_t i = 0; i < nearest.size(); ++i) {
        const float* patch = from + static_cast<int64_t>(i) * depth_;
        float* sum = to + nearest[i] * depth_;
        for (int64_t d = begin * kColumns; d < last; ++d) sum[d] += patch[d];
      }
    });
    return sums;
  }

  double deviation_of_output(const at::Tensor& kernels) const {
    const int64_t count = std::min(taken(), kScaleImages);
    double sum = 0, squares = 0, values = 0;
    for (int64_t first = 0; first < count; first += kMinibatch) {
      const at::Tensor output = nn::convolve(input(first, std::min(kMinibatch, count - first)), kernels, shape_.stride);
      sum += output.sum(at::kDouble).item<double>();
      squares += output.square().sum(at::kDouble).item<double>();
      values += static_cast<double>(output.numel());
    }
    const double mean = sum / values;
    return std::sqrt(std::max(squares / values - mean * mean, 1e-30));
  }

  nn::Discriminator below_;  ///< the convolutions that are done
  size_t layer_;             ///< from 0
  ConvolutionShape shape_;
  const ImageRows& images_;
  std::vector<int64_t> order_;  ///< of the images that patches are taken from
  uint64_t seed_;
  const TrainObserver& observer_;
  int64_t depth_ = 0, positions_ = 0, per_image_ = 0;
};

}  // namespace

void check_patches(const ArchitectureOptions& architecture, int64_t images) {
  const std::vector<ConvolutionShape> shapes = discriminator_convolutions(architecture);
  for (size_t i = 0; i < shapes.size(); ++i) {
    const int64_t available = images_used(images) * positions_of(shapes[i]) * positions_of(shapes[i]);
    const int64_t wanted = std::max(depth_of(shapes[i]), shapes[i].out_channels);
    if (available >= wanted) continue;
    throw OptionError("--initialise patches: convolution ", i + 1, " needs ", wanted,
                      " patches of its input or more, and ", images_used(images), " images have ", available,
                      "; take more images, a smaller --kernel or a narrower network.");
  }
}

bool start_from_patches(nn::Discriminator& network, const ImageRows& images, uint64_t seed,
                        const TrainObserver& observer) try {
  const at::NoGradGuard no_grad;
  const size_t layers = network.convolutions.size();
  for (size_t layer = 0; layer < layers; ++layer) {
    observer.on_message(text_of("Start from patches: convolution ", layer + 1, " of ", layers, "."));
    nn::Convolution& convolution = network.convolutions[layer];
    convolution.weight.copy_(LayerStart(network, layer, images, seed, observer).weights());
    if (!convolution.shape.batch_norm) continue;
    convolution.batch_norm.weight.fill_(1);
    convolution.batch_norm.bias.fill_(0);
  }
  return true;
} catch (const Stopped&) {
  return false;
}

void start_from_model(const nn::NamedTensors& parameters, const ModelFile& model, const std::string& file) {
  const at::NoGradGuard no_grad;
  const auto text = [](const std::vector<int64_t>& shape) {
    std::string t;
    for (const int64_t side : shape) t += text_of(t.empty() ? "" : " x ", side);
    return t;
  };
  for (const auto& [name, tensor] : parameters) {
    const auto found = model.tensors.find(name);
    if (found == model.tensors.end()) {
      throw FileError(file, "has no tensor ", name,
                      ", which the network to be trained has; give the options of its architecture.");
    }
    if (found->second.shape != tensor.sizes().vec()) {
      throw FileError(file, name, " is ", text(found->second.shape), ", the network to be trained has ",
                      text(tensor.sizes().vec()), "; give the options of its architecture.");
    }
  }
  nn::load_tensors(model.tensors, parameters);
}

}  // namespace dcgan::train
