#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/image_view.h"
#include "dcgan/next_images.h"
#include "dcgan/options.h"
#include "dcgan/precision.h"
#include "dcgan/resize.h"

namespace dcgan {

class FeatureCompression;
struct ModelFile;

/// Which features to make, and with what.
struct FeatureOptions {
  std::vector<int64_t> layers;  ///< 1-based convolutions, lowest first; empty: all
  int64_t grid = 4;             ///< side that each feature map is max-pooled to: 1, 2 or 4
  int64_t threads = 0;          ///< 0: one per core
  int64_t batch_size = 64;      ///< images per pass; changes speed and memory, never the features
  std::string device = "auto";  ///< auto, cpu, cuda or cuda:N; auto takes a GPU where there is one
  Precision precision = Precision::kF32;
  ResizeFilter resize = ResizeFilter::kLinear;  ///< for images of another size than the model's
  bool resize_is_chosen = false;  ///< kLinear, too, rather than the filter that a model may record (InputOptions)
  std::string compress = {};      ///< file of dcgan/feature_compression.h; empty: features as they are
};

template <class Visitor>
void describe(FeatureOptions& o, Visitor&& f) {
  f(o.layers, "layers", "convolutions whose features are kept, 1-based, such as 1,2,3; default all");
  f(o.grid, "grid", "side that each feature map is max-pooled to: 1, 2 or 4");
  f(o.batch_size, "batch-size", "images per pass; changes speed and memory, never the features");
  f(o.precision, "precision",
    "f32; faster where the hardware has it and less exact: tf32 (GPUs), bf16 (GPUs, processors with AMX or AVX-512 "
    "BF16)");
  f(o.resize, "resize",
    "for images of another size than the model's: linear (the authors') or area; default: what the model records");
  f(o.compress, "compress", "file of dcgan-eval compress: features become the fewer numbers that it makes of them");
}

/// Features of a trained discriminator: every convolution after batch norm and LeakyReLU, max-pooled to grid x grid,
/// flattened (C, H, W) and concatenated, lowest layer first (Radford, Metz, Chintala 2016, arXiv:1511.06434,
/// section 5.1).
///
/// This header needs nothing but the standard library. An object may be used from one thread at a time; several
/// objects may be used side by side.
class DCGAN_EXPORT FeatureExtractor {
 public:
  /// @param model_file  a .safetensors model of this project
  /// @throws dcgan::Error (dcgan/errors.h) if the file cannot be used or an option does not fit the model.
  explicit FeatureExtractor(const std::string& model_file, const FeatureOptions& options = {});
  /// @param model  of dcgan/model_file.h
  explicit FeatureExtractor(const ModelFile& model, const FeatureOptions& options = {});
  ~FeatureExtractor();
  FeatureExtractor(FeatureExtractor&&) noexcept;
  FeatureExtractor& operator=(FeatureExtractor&&) noexcept;

  using Progress = std::function<void(int64_t done, int64_t total)>;

  int64_t image_size() const;                  ///< H = W that the model takes, pixels
  int64_t feature_count() const;               ///< D, 28,672 for the ImageNet-32 model; what compression leaves of them
  const std::vector<int64_t>& layers() const;  ///< 1-based, lowest first
  int64_t grid() const;                        ///< side that each map is max-pooled to
  int64_t threads() const;                     ///< that it works with
  std::vector<int64_t> layer_offsets() const;  ///< [layers + 1], see FeatureFileInfo
  const std::string& architecture() const;     ///< JSON
  const std::string& model_sha256() const;     ///< empty where the model is of no file
  const std::string& statistics() const;       ///< where the batch-norm statistics come from, JSON
  const std::string& device() const;           ///< "cpu" or "cuda:N", what "auto" took
  ResizeOptions resize() const;                ///< what becomes of images of another size
  const FeatureCompression* compression() const;  ///< what features go through; null: nothing
  /// JSON: what is done to pixels before the network ("resize", "scale", "statistics", and "precision" where it is not
  /// float32), and "compression" where features go through one. Features with different ones are not to be mixed.
  /// @throws OptionError where the compression was fitted to other features
  std::string preprocessing() const;

  /// What nobody said of an imported network, one sentence each: features are wrong in silence where a guess is.
  std::vector<std::string> guesses() const;
  /// Images with colours that extract() has given to a model of grey images, by their luma (Pillow's "L").
  int64_t colour_images() const;

  /// Infers the batch-norm statistics from images of the target domain by the authors' rule (dcgan/statistics.h) and
  /// uses them from now on.
  void infer_statistics(const NextImages& next, const std::string& source);

  /// Writes an ONNX model (opset 17) that makes the same features, "features" float32 [N, D], of "pixels" uint8
  /// [N, H, W, 3], RGB, of the model's size. @throws FileError
  void save_onnx(const std::string& file) const;

  /// Called by extract() after each batch with the numbers of images done and asked for; may throw, which stops it and
  /// leaves the extractor usable. Null: nobody.
  /// @return who was called before
  Progress on_progress(Progress progress);

  /// Features of images, each of any size: resized and cut out as dcgan-extract does, to the same bits.
  /// @param images    [count]
  /// @param features  float32 [count, D]
  /// @throws OptionError where a view cannot be (see check(ImageView)), or the compression was fitted to other
  /// features;
  ///         then no feature is written.
  void extract(const ImageView* images, int64_t count, float* features);
  /// Images of one size and format: image i starts at pixels + i * height * stride.
  /// @param stride  bytes from one row of pixels to the next; 0: rows lie one behind the other
  void extract(const uint8_t* pixels, int64_t count, int64_t width, int64_t height, int64_t stride, float* features,
               PixelFormat format = PixelFormat::kRgb);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dcgan
