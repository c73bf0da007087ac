#include "tools/explore/image_rows.h"

#include <algorithm>

#include "data/image_pipeline.h"
#include "data/open_images.h"
#include "data/selected_source.h"
#include "dcgan/errors.h"
#include "dcgan/pictures.h"
#include "eval/features/image_features.h"
#include "tools/cli/progress.h"

namespace dcgan::explore_tool {
namespace {

void copy_pixels(const ImageBatch& images, int64_t i, float* row) {
  const int64_t values = images.height * images.width * 3;
  for (int64_t c = 0; c < values; ++c) row[c] = eval::scaled_pixel(images.pixels[i * values + c]);
}

}  // namespace

PreparedImages::PreparedImages(const std::vector<std::string>& inputs, const data::ResizeOptions& resize,
                               const cli::CommonOptions& common)
    : resize_(resize), threads_(common.threads) {
  data::OpenedImages opened = data::open_images(inputs, {}, {});
  for (const std::string& note : opened.notes) cli::log(common.quiet, note);
  source_ = std::move(opened.source);
}

ImageBatch PreparedImages::images(const std::vector<int64_t>& numbers) const {
  const data::SelectedSource some(*source_, numbers);
  data::PipelineOptions options;
  options.threads = threads_;
  data::ImagePipeline pipeline(some, resize_, options);
  ImageBatch all;
  for (data::DecodedBlock block; pipeline.next(block);) {
    for (const Failure& f : block.failures) throw FileError(f.path, f.reason, "; take the image out.");
    append_images(all, block.images);
  }
  return all;
}

PreparedImages::Part PreparedImages::part(int64_t first, int64_t count) const {
  data::PipelineOptions options;
  options.threads = threads_;
  options.begin = first;
  options.end = first + count;
  data::ImagePipeline pipeline(*source_, resize_, options);
  Part all;
  for (data::DecodedBlock block; pipeline.next(block);) {
    if (block.images.count() > 0) append_images(all.images, block.images);
    all.numbers.insert(all.numbers.end(), block.indices.begin(), block.indices.end());
    all.failures.insert(all.failures.end(), block.failures.begin(), block.failures.end());
  }
  return all;
}

void PixelRows::read(int64_t first, int64_t count, float* out, int64_t pitch) const {
  constexpr float kFar = 1e6F;
  for (int64_t i = 0; i < count; ++i) std::fill_n(out + i * pitch, columns(), kFar);
  const PreparedImages::Part part = images_.part(first, count);
  for (size_t i = 0; i < part.numbers.size(); ++i) {
    copy_pixels(part.images, static_cast<int64_t>(i), out + (part.numbers[i] - first) * pitch);
  }
}

eval::FeatureMatrix pixel_matrix(const ImageBatch& images) {
  eval::FeatureMatrix matrix(images.count(), images.height * images.width * 3);
  for (int64_t i = 0; i < images.count(); ++i) copy_pixels(images, i, matrix.row(i));
  return matrix;
}

}  // namespace dcgan::explore_tool
