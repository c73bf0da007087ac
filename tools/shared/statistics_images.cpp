#include "tools/shared/statistics_images.h"

#include <algorithm>
#include <numeric>

#include "data/image_pipeline.h"
#include "data/open_images.h"
#include "data/selected_source.h"
#include "dcgan/options.h"
#include "dcgan/seeds.h"
#include "tools/cli/command_line.h"
#include "tools/cli/progress.h"

namespace dcgan::tools {
namespace {

std::unique_ptr<data::ImageSource> open(const StatisticsOptions& options, const data::DecodeOptions& decode) {
  data::InputOptions input;
  input.list = options.statistics_list;
  return data::open_images({options.statistics_from}, input, decode).source;
}

std::vector<int64_t> order(int64_t count, const StatisticsOptions& options, uint64_t seed) {
  require_option(options.statistics_images >= 0, "statistics-images", options.statistics_images, "0 or more");
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  if (options.statistics_list.empty()) indices = shuffled_indices(count, derive_seed(seed, "statistics"));
  if (options.statistics_images > 0 && options.statistics_images < count) {
    indices.resize(static_cast<size_t>(options.statistics_images));
  }
  return indices;
}

data::PipelineOptions with_threads(int64_t threads) {
  data::PipelineOptions options;
  options.threads = threads;
  return options;
}

}  // namespace

struct StatisticsImages::Impl {
  Impl(const StatisticsOptions& options, const data::ResizeOptions& resize, const data::DecodeOptions& decode,
       int64_t threads, uint64_t seed, bool is_quiet)
      : quiet(is_quiet),
        source(open(options, decode)),
        selected(*source, order(source->count(), options, seed)),
        pipeline(selected, resize, with_threads(threads)),
        progress("statistics", selected.count(), quiet),
        image_bytes(resize.size * resize.size * 3) {}

  int64_t next(uint8_t* pixels, int64_t capacity) {
    if (cli::interrupted()) throw cli::Interrupted();
    while (taken == block.images.count()) {
      if (!pipeline.next(block)) return 0;
      taken = 0;
      progress.update(block.first + block.inputs);
      for (const Failure& f : block.failures) {
        cli::log(quiet, f.path + ": " + f.reason + "; left out of the statistics.");
      }
    }
    const int64_t count = std::min(capacity, block.images.count() - taken);
    std::copy_n(block.images.pixels.data() + taken * image_bytes, count * image_bytes, pixels);
    taken += count;
    return count;
  }

  bool quiet;
  std::unique_ptr<data::ImageSource> source;
  data::SelectedSource selected;
  data::ImagePipeline pipeline;
  cli::Progress progress;
  int64_t image_bytes;
  data::DecodedBlock block;
  int64_t taken = 0;  ///< images of the block that were handed on
};

StatisticsImages::StatisticsImages(const StatisticsOptions& options, const data::ResizeOptions& resize,
                                   const data::DecodeOptions& decode, int64_t threads, uint64_t seed, bool quiet)
    : impl_(std::make_unique<Impl>(options, resize, decode, threads, seed, quiet)) {}
StatisticsImages::~StatisticsImages() = default;

NextImages StatisticsImages::next() {
  return [this](uint8_t* pixels, int64_t capacity) { return impl_->next(pixels, capacity); };
}

}  // namespace dcgan::tools
