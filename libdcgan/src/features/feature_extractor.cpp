#include "dcgan/feature_extractor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/options.h"
#include "features/inference_engine.h"
#include "features/statistics.h"
#include "features/torch_engine.h"
#include "nn/device.h"
#include "nn/network_tensors.h"
#include "nn/networks.h"

namespace dcgan {
namespace {

// Batch norm with fixed statistics is a scale and a shift of each channel: folded into the convolution, in float64.
FoldedConvolution fold(const nn::Convolution& convolution) {
  const ConvolutionShape& s = convolution.shape;
  const at::Tensor weight = convolution.weight.to(at::kCPU, at::kDouble).contiguous();
  std::vector<double> scale(static_cast<size_t>(s.out_channels), 1);
  std::vector<double> shift(static_cast<size_t>(s.out_channels), 0);
  if (s.batch_norm) {
    const nn::BatchNorm& norm = convolution.batch_norm;
    const at::Tensor a = norm.weight.to(at::kCPU, at::kDouble)
                             .div(norm.running_var.to(at::kCPU, at::kDouble).add(nn::kBatchNormEpsilon).sqrt());
    const at::Tensor b = norm.bias.to(at::kCPU, at::kDouble).sub(a.mul(norm.running_mean.to(at::kCPU, at::kDouble)));
    std::memcpy(scale.data(), a.const_data_ptr<double>(), scale.size() * sizeof(double));
    std::memcpy(shift.data(), b.const_data_ptr<double>(), shift.size() * sizeof(double));
  }
  const double* w = weight.const_data_ptr<double>();
  const auto count = static_cast<size_t>(weight.numel());
  FoldedConvolution folded;
  folded.in_channels = s.in_channels;
  folded.out_channels = s.out_channels;
  folded.kernel = s.kernel;
  folded.stride = s.stride;
  folded.size_in = s.size_in;
  folded.size_out = s.size_out * s.resize;
  folded.pool = s.resize;
  folded.weight.resize(count);
  const size_t per_channel = count / scale.size();
  for (size_t i = 0; i < count; ++i) folded.weight[i] = static_cast<float>(w[i] * scale[i / per_channel]);
  for (const double b : shift) folded.bias.push_back(static_cast<float>(b));
  return folded;
}

std::vector<int64_t> resolve_layers(const std::vector<int64_t>& wanted, const ModelFile& model) {
  if (wanted.empty()) {
    std::vector<int64_t> all(static_cast<size_t>(model.convolutions));
    std::iota(all.begin(), all.end(), 1);
    return all;
  }
  if (wanted.back() > model.convolutions) {
    throw OptionError("--layers asks for convolution " + std::to_string(wanted.back()) + "; the model has " +
                      std::to_string(model.convolutions) + ".");
  }
  return wanted;
}

}  // namespace

struct FeatureExtractor::Impl {
  Impl(const std::string& model_file, FeatureOptions feature_options)
      : options(std::move(feature_options)), model(load_model(model_file)), network(nn::discriminator_from(model)) {
    options.layers = resolve_layers(options.layers, model);
    constexpr int64_t kMostImages = 16384;  // 17 GB of maps at the published width
    require_option(options.batch_size >= 1 && options.batch_size <= kMostImages, "batch-size", options.batch_size,
                   "from 1 to " + std::to_string(kMostImages));
    if (options.threads <= 0) options.threads = std::max<int64_t>(1, std::thread::hardware_concurrency());
    feature_count = dcgan::feature_count(model.architecture, options.layers, options.grid);
    architecture = to_json(model.architecture);
    device = nn::resolve_device(options.device);
    device_name = device.str();
    if (options.precision == Precision::kTf32 && device.is_cpu()) {
      throw OptionError("--precision is tf32, which only GPUs have, and the device is the CPU; take f32 or bf16.");
    }
    if (device.is_cuda()) nn::move_to(device, network);  // for statistics
  }

  // From the weights and statistics when features are first wanted: statistics may be inferred before.
  void prepare() {
    if (engine || torch_engine) return;
    std::vector<FoldedConvolution> convolutions;
    for (const nn::Convolution& c : network.convolutions) convolutions.push_back(fold(c));
    EngineOptions engine_options;
    engine_options.layers = options.layers;
    engine_options.grid = options.grid;
    engine_options.leaky_slope = network.slope;
    engine_options.threads = options.threads;
    engine_options.batch_size = options.batch_size;
    if (device.is_cpu() && options.precision == Precision::kF32) {
      engine = std::make_unique<InferenceEngine>(convolutions, engine_options);
    } else {
      torch_engine = std::make_unique<features::TorchEngine>(convolutions, engine_options, device, options.precision);
    }
  }

  FeatureOptions options;
  ModelFile model;
  nn::Discriminator network;
  int64_t feature_count = 0;
  std::string architecture, device_name;
  c10::Device device = c10::Device(c10::kCPU);
  std::unique_ptr<InferenceEngine> engine;  ///< one of the two, once features were wanted
  std::unique_ptr<features::TorchEngine> torch_engine;
};

FeatureExtractor::FeatureExtractor(const std::string& model_file, const FeatureOptions& options)
    : impl_(std::make_unique<Impl>(model_file, options)) {}
FeatureExtractor::~FeatureExtractor() = default;
FeatureExtractor::FeatureExtractor(FeatureExtractor&&) noexcept = default;
FeatureExtractor& FeatureExtractor::operator=(FeatureExtractor&&) noexcept = default;

int64_t FeatureExtractor::image_size() const { return impl_->model.architecture.image_size; }
int64_t FeatureExtractor::feature_count() const { return impl_->feature_count; }
const std::vector<int64_t>& FeatureExtractor::layers() const { return impl_->options.layers; }
const std::string& FeatureExtractor::architecture() const { return impl_->architecture; }
const std::string& FeatureExtractor::model_sha256() const { return impl_->model.sha256; }
const std::string& FeatureExtractor::statistics() const { return impl_->model.statistics; }
const std::string& FeatureExtractor::device() const { return impl_->device_name; }

std::vector<int64_t> FeatureExtractor::layer_offsets() const {
  std::vector<int64_t> offsets = {0};
  for (const int64_t layer : layers()) {
    offsets.push_back(offsets.back() + dcgan::feature_count(impl_->model.architecture, {layer}, impl_->options.grid));
  }
  return offsets;
}

void FeatureExtractor::infer_statistics(const NextImages& next, const std::string& source) {
  impl_->model.statistics = features::average_statistics(impl_->network, image_size(), impl_->device, next, source);
  impl_->engine.reset();
  impl_->torch_engine.reset();
}

void FeatureExtractor::extract(const uint8_t* pixels, int64_t count, int64_t width, int64_t height, int64_t stride,
                               float* features) {
  const int64_t size = image_size();
  if (width != size || height != size) {
    throw OptionError("images are " + std::to_string(width) + " x " + std::to_string(height) + "; the model takes " +
                      std::to_string(size) + " x " + std::to_string(size) + " pixels.");
  }
  const int64_t row = 3 * width;
  if (stride == 0) stride = row;
  if (stride < row) {
    throw OptionError("the stride is " + std::to_string(stride) + " bytes; a row of pixels takes " +
                      std::to_string(row) + ".");
  }
  std::vector<uint8_t> dense;
  if (stride != row) {
    dense.resize(static_cast<size_t>(count * height * row));
    for (int64_t y = 0; y < count * height; ++y)
      std::memcpy(dense.data() + y * row, pixels + y * stride, static_cast<size_t>(row));
    pixels = dense.data();
  }
  impl_->prepare();
  if (impl_->engine) {
    impl_->engine->run(pixels, count, features);
  } else {
    impl_->torch_engine->run(pixels, count, features);
  }
}

}  // namespace dcgan
