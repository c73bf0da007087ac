#include "dcgan/feature_extractor.h"

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <thread>

#include "base/device_text.h"
#include "base/network_constants.h"
#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/options.h"
#include "dcgan/train_library.h"
#include "features/inference_engine.h"
#include "features/network_moments.h"
#include "features/statistics.h"

namespace dcgan {
namespace {

// Batch norm with fixed statistics is a scale and a shift of each channel: folded into the convolution, in float64.
FoldedConvolution fold(const ModelFile& model, const ConvolutionShape& s, size_t number) {
  const auto values = [&](const std::string& name) { return model.tensors.at("discriminator." + name).to_floats(); };
  const std::string layer = std::to_string(number);
  FoldedConvolution folded;
  folded.in_channels = s.in_channels;
  folded.out_channels = s.out_channels;
  folded.kernel = s.kernel;
  folded.stride = s.stride;
  folded.size_in = s.size_in;
  folded.size_out = s.size_out * s.resize;
  folded.pool = s.resize;
  folded.weight = values("conv" + layer + ".weight");
  folded.bias.resize(static_cast<size_t>(s.out_channels), 0);
  if (!s.batch_norm) return folded;
  const std::vector<float> weight = values("bn" + layer + ".weight"), bias = values("bn" + layer + ".bias");
  const std::vector<float> mean = values("bn" + layer + ".running_mean"), var = values("bn" + layer + ".running_var");
  const size_t per_channel = folded.weight.size() / folded.bias.size();
  for (size_t c = 0; c < folded.bias.size(); ++c) {
    const double scale = double{weight[c]} / std::sqrt(double{var[c]} + kBatchNormEpsilon);
    folded.bias[c] = static_cast<float>(double{bias[c]} - scale * double{mean[c]});
    for (size_t i = c * per_channel; i < (c + 1) * per_channel; ++i) {
      folded.weight[i] = static_cast<float>(double{folded.weight[i]} * scale);
    }
  }
  return folded;
}

// LibTorch finds GPUs only where NVIDIA's driver is: without, "auto" need not load it to know the answer.
bool has_gpu_driver() { return dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) != nullptr; }

// "cpu" or "cuda:N".
std::string resolve_device(const std::string& text) {
  const DeviceText wanted = parse_device(text);
  if (wanted.kind == DeviceText::Kind::kCpu) return "cpu";
  if (wanted.kind == DeviceText::Kind::kCuda) return train_library("--device " + text).resolve_device(text);
  if (!has_gpu_driver()) return "cpu";
  try {
    return train_library("a GPU").resolve_device(text);
  } catch (const NoTrainLibrary&) {
    return "cpu";  // what is installed makes features on CPUs only
  }
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
  Impl(ModelFile model_file, FeatureOptions feature_options)
      : options(std::move(feature_options)), model(std::move(model_file)) {
    options.layers = resolve_layers(options.layers, model);
    constexpr int64_t kMostImages = 16384;  // 17 GB of maps at the published width
    require_option(options.batch_size >= 1 && options.batch_size <= kMostImages, "batch-size", options.batch_size,
                   "from 1 to " + std::to_string(kMostImages));
    if (options.threads <= 0) options.threads = std::max<int64_t>(1, std::thread::hardware_concurrency());
    feature_count = dcgan::feature_count(model.architecture, options.layers, options.grid);
    architecture = to_json(model.architecture);
    device = resolve_device(options.device);
    if (options.precision == Precision::kTf32 && device == "cpu") {
      throw OptionError("--precision is tf32, which only GPUs have, and the device is the CPU; take f32 or bf16.");
    }
    if (options.precision == Precision::kBf16) train_library("--precision bf16");
  }

  // From the weights and statistics when features are first wanted: statistics may be inferred before.
  features::Engine& prepared() {
    if (engine) return *engine;
    const std::vector<ConvolutionShape> shapes = discriminator_convolutions(model.architecture);
    std::vector<FoldedConvolution> convolutions;
    for (size_t i = 0; i < static_cast<size_t>(model.convolutions); ++i) {
      convolutions.push_back(fold(model, shapes[i], i + 1));
    }
    EngineOptions engine_options;
    engine_options.layers = options.layers;
    engine_options.grid = options.grid;
    engine_options.leaky_slope = model.architecture.guidelines.activation == Activation::kRelu ? 0 : kLeakySlope;
    engine_options.threads = options.threads;
    engine_options.batch_size = options.batch_size;
    if (device == "cpu" && options.precision == Precision::kF32) {
      engine = std::make_unique<InferenceEngine>(convolutions, engine_options);
    } else {
      engine =
          train_library("--device " + device).make_engine({convolutions, engine_options, device, options.precision});
    }
    return *engine;
  }

  FeatureOptions options;
  ModelFile model;
  int64_t feature_count = 0;
  std::string architecture, device;
  std::unique_ptr<features::Engine> engine;  ///< once features were wanted
};

FeatureExtractor::FeatureExtractor(const std::string& model_file, const FeatureOptions& options)
    : impl_(std::make_unique<Impl>(load_model(model_file), options)) {}
FeatureExtractor::FeatureExtractor(const ModelFile& model, const FeatureOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
FeatureExtractor::~FeatureExtractor() = default;
FeatureExtractor::FeatureExtractor(FeatureExtractor&&) noexcept = default;
FeatureExtractor& FeatureExtractor::operator=(FeatureExtractor&&) noexcept = default;

int64_t FeatureExtractor::image_size() const { return impl_->model.architecture.image_size; }
int64_t FeatureExtractor::feature_count() const { return impl_->feature_count; }
const std::vector<int64_t>& FeatureExtractor::layers() const { return impl_->options.layers; }
const std::string& FeatureExtractor::architecture() const { return impl_->architecture; }
const std::string& FeatureExtractor::model_sha256() const { return impl_->model.sha256; }
const std::string& FeatureExtractor::statistics() const { return impl_->model.statistics; }
const std::string& FeatureExtractor::device() const { return impl_->device; }

std::vector<int64_t> FeatureExtractor::layer_offsets() const {
  std::vector<int64_t> offsets = {0};
  for (const int64_t layer : layers()) {
    offsets.push_back(offsets.back() + dcgan::feature_count(impl_->model.architecture, {layer}, impl_->options.grid));
  }
  return offsets;
}

void FeatureExtractor::infer_statistics(const NextImages& next, const std::string& source) {
  ModelFile& model = impl_->model;
  std::unique_ptr<features::MomentEngine> engine;
  if (device() == "cpu") {
    engine = std::make_unique<features::NetworkMoments>(
        features::NetworkMoments::of_discriminator(model, impl_->options.threads));
  } else {
    engine = train_library("--device " + device()).make_moment_engine(model, device());
  }
  features::infer_discriminator_statistics(model, next, source, *engine);
  impl_->engine.reset();
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
  impl_->prepared().run(pixels, count, features);
}

}  // namespace dcgan
