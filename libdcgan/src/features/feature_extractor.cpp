#include "dcgan/feature_extractor.h"

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "base/device_text.h"
#include "base/network_constants.h"
#include "dcgan/errors.h"
#include "dcgan/feature_compression.h"
#include "dcgan/model_file.h"
#include "dcgan/options.h"
#include "dcgan/output_files.h"
#include "dcgan/train_library.h"
#include "features/inference_engine.h"
#include "features/network_moments.h"
#include "features/onnx_export.h"
#include "features/pixel_input.h"
#include "features/statistics.h"
#include "parallel/thread_pool.h"

namespace dcgan {
namespace {

// Batch norm with fixed statistics is a scale and a shift of each channel: folded into the convolution, in float64,
// unless the activation comes between.
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
  folded.pad_before = s.pad_before;
  folded.pad_after = s.pad_after;
  folded.slope = s.slope;
  folded.weight = values("conv" + layer + ".weight");
  folded.bias.resize(static_cast<size_t>(s.out_channels), 0);
  if (s.bias) folded.bias = values("conv" + layer + ".bias");
  if (!s.batch_norm) return folded;
  const std::vector<float> weight = values("bn" + layer + ".weight"), bias = values("bn" + layer + ".bias");
  const std::vector<float> mean = values("bn" + layer + ".running_mean"), var = values("bn" + layer + ".running_var");
  const size_t per_channel = folded.weight.size() / folded.bias.size();
  for (size_t c = 0; c < folded.bias.size(); ++c) {
    const double scale = double{weight[c]} / std::sqrt(double{var[c]} + s.epsilon);
    if (s.norm_last) {
      folded.last_scale.push_back(static_cast<float>(scale));
      folded.last_shift.push_back(static_cast<float>(double{bias[c]} - scale * double{mean[c]}));
      continue;
    }
    folded.bias[c] = static_cast<float>(double{bias[c]} + scale * (double{folded.bias[c]} - double{mean[c]}));
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
    std::vector<int64_t> all(model.convolutions);
    std::iota(all.begin(), all.end(), 1);
    return all;
  }
  if (wanted.back() > model.convolutions) {
    throw OptionError("--layers asks for convolution ", wanted.back(), "; the model has ", model.convolutions, ".");
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
                   text_of("from 1 to ", kMostImages));
    options.threads = parallel::resolved_threads(options.threads);
    columns = dcgan::feature_count(model.architecture, options.layers, options.grid);
    if (!options.compress.empty()) compression.emplace(options.compress, options.threads);
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
    require_compression();
    const std::vector<FoldedConvolution> convolutions = folded();
    const EngineOptions engine_options = options_of_engine();
    if (device == "cpu" && options.precision == Precision::kF32) {
      engine = std::make_unique<InferenceEngine>(convolutions, engine_options);
    } else {
      engine =
          train_library("--device " + device).make_engine({convolutions, engine_options, device, options.precision});
    }
    return *engine;
  }

  std::vector<FoldedConvolution> folded() const {
    const std::vector<ConvolutionShape> shapes = discriminator_convolutions(model.architecture);
    std::vector<FoldedConvolution> convolutions;
    for (size_t i = 0; i < static_cast<size_t>(model.convolutions); ++i) {
      convolutions.push_back(fold(model, shapes[i], i + 1));
    }
    return convolutions;
  }

  EngineOptions options_of_engine() const {
    EngineOptions engine_options;
    engine_options.layers = options.layers;
    engine_options.grid = options.grid;
    engine_options.input = model.architecture.input;
    engine_options.threads = options.threads;
    engine_options.batch_size = options.batch_size;
    return engine_options;
  }

  ResizeOptions resize() const {
    const bool chosen = options.resize_is_chosen || options.resize != FeatureOptions().resize;
    return {model.architecture.image_size, chosen ? options.resize : model.architecture.input.resize};
  }
  int64_t feature_count() const { return compression ? compression->dimensions() : columns; }

  // What is done to pixels before the network.
  nlohmann::ordered_json preprocessing() const {
    const InputOptions& input = model.architecture.input;
    std::string scale = "x / 127.5 - 1";
    if (!features::has_published_scale(input)) {
      const auto list = [](const std::vector<double>& values) { return nlohmann::json(values).dump(); };
      scale = "(x / 255 - " + list(input.mean) + ") / " + list(input.deviation);
    }
    nlohmann::ordered_json json = {{"resize", nlohmann::ordered_json::parse(resize_description(resize()))},
                                   {"scale", scale},
                                   {"statistics", nlohmann::ordered_json::parse(model.statistics)}};
    if (input.channels == 1) json["channels"] = "grey: luma of colours";
    if (input.order == ChannelOrder::kBgr) json["channels"] = "bgr";
    if (options.precision != Precision::kF32) json["precision"] = to_name(options.precision);
    return json;
  }

  // Not before features are wanted: statistics may be inferred until then.
  void require_compression() const {
    if (!compression) return;
    CompressionMap features;
    features.model_sha256 = model.sha256;
    features.layers = options.layers;
    features.grid = options.grid;
    features.preprocessing = preprocessing().dump();
    compression->require(features, columns);
  }

  // @param image_at  view of image i
  template <class ImageAt>
  void extract(const ImageAt& image_at, int64_t count, float* features) {
    if (count < 0) throw OptionError("the number of images is ", count, "; it must be 0 or more.");
    if (count == 0) return;
    if (features == nullptr) throw OptionError("there is no room for features: the pointer is null.");
    const int64_t size = resize().size, bytes = 3 * size * size;
    const uint8_t* const first = image_at(0).pixels;
    bool ready = true;  // as the engine takes them: of its size, RGB, and without gaps
    for (int64_t i = 0; i < count; ++i) {
      const ImageView image = image_at(i);
      check(image);
      ready = ready && image.width == size && image.height == size && image.format == PixelFormat::kRgb &&
              image.row_distance() == 3 * size && image.pixels == first + i * bytes;
    }
    features::Engine& network = prepared();
    const bool grey = model.architecture.input.channels == 1;
    if (ready && !progress && !compression && !grey) return network.run(first, count, features);
    if (compression) uncompressed.resize(static_cast<size_t>(std::min(options.batch_size, count) * columns));
    for (int64_t done = 0; done < count;) {
      const int64_t batch = std::min(options.batch_size, count - done);
      const uint8_t* pixels = ready ? first + done * bytes : resized(image_at, done, batch);
      for (int64_t i = 0; grey && i < batch; ++i) {
        colour_images += features::is_grey(pixels + i * bytes, size * size) ? 0 : 1;
      }
      float* const rows = features + done * feature_count();
      network.run(pixels, batch, compression ? uncompressed.data() : rows);
      if (compression) compression->apply(uncompressed.data(), batch, rows);
      done += batch;
      if (progress) progress(done, count);
    }
  }

  // uint8 [count, size, size, 3], until the next call
  template <class ImageAt>
  const uint8_t* resized(const ImageAt& image_at, int64_t first, int64_t count) {
    if (!pool) pool = std::make_unique<parallel::ThreadPool>(options.threads);
    const int64_t bytes = 3 * resize().size * resize().size;
    squares.resize(count * bytes);
    pool->run(count, [&](int64_t i) { resize_and_crop(image_at(first + i), resize(), squares.data() + i * bytes); });
    return squares.data();
  }

  FeatureOptions options;
  ModelFile model;
  int64_t columns = 0;  ///< of the network's features
  std::string architecture, device;
  std::optional<FeatureCompression> compression;
  std::vector<float> uncompressed;             ///< of a batch
  std::unique_ptr<features::Engine> engine;    ///< once features were wanted
  std::unique_ptr<parallel::ThreadPool> pool;  ///< once images were to be resized
  std::vector<uint8_t> squares;                ///< of a batch, resized
  Progress progress;
  int64_t colour_images = 0;
};

FeatureExtractor::FeatureExtractor(const std::string& model_file, const FeatureOptions& options)
    : impl_(std::make_unique<Impl>(load_model(model_file), options)) {}
FeatureExtractor::FeatureExtractor(const ModelFile& model, const FeatureOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
FeatureExtractor::~FeatureExtractor() = default;
FeatureExtractor::FeatureExtractor(FeatureExtractor&&) noexcept = default;
FeatureExtractor& FeatureExtractor::operator=(FeatureExtractor&&) noexcept = default;

int64_t FeatureExtractor::image_size() const { return impl_->model.architecture.image_size; }
int64_t FeatureExtractor::feature_count() const { return impl_->feature_count(); }
const std::vector<int64_t>& FeatureExtractor::layers() const { return impl_->options.layers; }
int64_t FeatureExtractor::grid() const { return impl_->options.grid; }
int64_t FeatureExtractor::threads() const { return impl_->options.threads; }
const std::string& FeatureExtractor::architecture() const { return impl_->architecture; }
const std::string& FeatureExtractor::model_sha256() const { return impl_->model.sha256; }
const std::string& FeatureExtractor::statistics() const { return impl_->model.statistics; }
const std::string& FeatureExtractor::device() const { return impl_->device; }
ResizeOptions FeatureExtractor::resize() const { return impl_->resize(); }
const FeatureCompression* FeatureExtractor::compression() const {
  return impl_->compression ? &*impl_->compression : nullptr;
}

std::string FeatureExtractor::preprocessing() const {
  impl_->require_compression();
  nlohmann::ordered_json json = impl_->preprocessing();
  if (const auto& compression = impl_->compression) {
    json["compression"] = {{"sha256", compression->sha256()}, {"dimensions", compression->dimensions()}};
  }
  return json.dump();
}

std::vector<std::string> FeatureExtractor::guesses() const {
  const auto training = nlohmann::ordered_json::parse(impl_->model.training, nullptr, /*allow_exceptions=*/false);
  std::vector<std::string> all;
  if (!training.is_object() || !training.contains("assumed") || !training["assumed"].is_array()) return all;
  for (const auto& what : training["assumed"]) {
    if (what.is_string()) all.push_back(what);
  }
  return all;
}

int64_t FeatureExtractor::colour_images() const { return impl_->colour_images; }

std::vector<int64_t> FeatureExtractor::layer_offsets() const {
  if (impl_->compression) return {0, feature_count()};  // each column is of all layers
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

void FeatureExtractor::save_onnx(const std::string& file) const {
  const std::string preprocessing = this->preprocessing();
  write_text_file(file, features::onnx_model({impl_->folded(),
                                              impl_->options_of_engine(),
                                              compression() == nullptr ? nullptr : &compression()->map(),
                                              {{"architecture", architecture()},
                                               {"grid", std::to_string(grid())},
                                               {"layers", nlohmann::json(layers()).dump()},
                                               {"model_sha256", model_sha256()},
                                               {"preprocessing", preprocessing}}}));
}

FeatureExtractor::Progress FeatureExtractor::on_progress(Progress progress) {
  return std::exchange(impl_->progress, std::move(progress));
}

void FeatureExtractor::extract(const ImageView* images, int64_t count, float* features) {
  if (count > 0 && images == nullptr) throw OptionError("there are no images: the pointer to them is null.");
  impl_->extract([images](int64_t i) { return images[i]; }, count, features);
}

void FeatureExtractor::extract(const uint8_t* pixels, int64_t count, int64_t width, int64_t height, int64_t stride,
                               float* features, PixelFormat format) {
  const ImageView first{pixels, width, height, stride, format};
  const auto image = [&first](int64_t i) {
    ImageView view = first;
    view.pixels += i * first.height * first.row_distance();
    return view;
  };
  impl_->extract(image, count, features);
}

}  // namespace dcgan
