#include "tools/shared/statistics_images.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "data/image_pipeline.h"
#include "data/open_images.h"
#include "data/selected_source.h"
#include "dcgan/options.h"
#include "dcgan/seeds.h"
#include "tools/cli/failure_log.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"

namespace dcgan::tools {
namespace {

std::vector<int64_t> order(int64_t count, const StatisticsOptions& options, uint64_t seed) {
  require_option(options.statistics_images >= 0, "statistics-images", options.statistics_images, "0 or more");
  std::vector<int64_t> indices(count);
  std::iota(indices.begin(), indices.end(), int64_t{0});
  if (options.statistics_list.empty()) indices = shuffled_indices(count, derive_seed(seed, "statistics"));
  if (options.statistics_images > 0 && options.statistics_images < count) {
    indices.resize(options.statistics_images);
  }
  return indices;
}

data::OpenedImages open(const StatisticsOptions& options, const data::DecodeOptions& decode) {
  data::InputOptions input;
  input.list = options.statistics_list;
  return data::open_images({options.statistics_from}, input, decode);
}

// Each refers to the one before.
struct Stream {
  Stream(std::unique_ptr<data::ImageSource> images, std::vector<int64_t> order, const data::ResizeOptions& resize,
         const cli::CommonOptions& common)
      : source(std::move(images)),
        selected(*source, std::move(order)),
        pipeline(selected, resize, {common.threads}),
        progress("statistics", selected.count(), common) {}
  std::unique_ptr<data::ImageSource> source;
  data::SelectedSource selected;
  data::ImagePipeline pipeline;
  cli::Progress progress;
  data::DecodedBlock block;
  int64_t taken = 0;  // images of the block that were handed on
  cli::FailureLog failures;
};

}  // namespace

NextImages statistics_images(const StatisticsOptions& options, const data::ResizeOptions& resize,
                             const data::DecodeOptions& decode, const cli::CommonOptions& common) {
  data::OpenedImages opened = open(options, decode);
  const std::string passed_over = opened.passed_over.text();
  if (!passed_over.empty()) cli::log(common.quiet, options.statistics_from + ": " + passed_over);
  std::unique_ptr<data::ImageSource> source = std::move(opened.source);
  std::vector<int64_t> indices = order(source->count(), options, common.seed);
  const auto stream = std::make_shared<Stream>(std::move(source), std::move(indices), resize, common);
  const int64_t image_bytes = resize.size * resize.size * 3;
  return [stream, image_bytes](uint8_t* pixels, int64_t capacity) {
    auto& [images, selected, pipeline, progress, block, taken, failures] = *stream;
    cli::stop_if_interrupted();
    while (taken == block.images.count()) {
      if (!pipeline.next(block)) {
        failures.finish("");
        return int64_t{0};
      }
      taken = 0;
      progress.update(block.first + block.inputs);
      for (const Failure& f : block.failures) {
        failures.add({f.path, f.reason + "; left out of the statistics"});
      }
    }
    const int64_t count = std::min(capacity, block.images.count() - taken);
    std::copy_n(block.images.pixels.data() + taken * image_bytes, count * image_bytes, pixels);
    taken += count;
    return count;
  };
}

std::vector<std::string> files_of(const StatisticsOptions& options) {
  return options.statistics_from.empty() ? std::vector<std::string>() : open(options, {}).source->files();
}

}  // namespace dcgan::tools
