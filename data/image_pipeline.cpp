#include "data/image_pipeline.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "data/codecs.h"
#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Finished {
  DecodedBlock block;
  std::exception_ptr error;
};

DecodedBlock make_block(const ImageSource& source, const Preparation& preparation, int64_t first, int64_t inputs) {
  DecodedBlock block;
  block.first = first;
  block.inputs = inputs;
  block.images.height = block.images.width = preparation.size;
  const bool labelled = !source.classes().empty();
  std::vector<DecodedImage> decoded = source.load(first, inputs);
  for (int64_t i = 0; i < inputs; ++i) {
    DecodedImage& input = decoded[i];
    const std::string path = source.path(first + i);
    if (!input.ok()) {
      block.failures.push_back({path, input.failure});
      continue;
    }
    if (!input.remark.empty()) ++block.remarks[input.remark];
    std::vector<PreparedImage> prepared;
    try {
      prepared = preparation.prepare(std::move(input.image));
    } catch (const DecodeError& e) {
      block.failures.push_back({path, e.what()});
    }
    if (!prepared.empty() && !input.warning.empty()) block.warnings.push_back({path, input.warning});
    for (const auto& [image, suffix] : prepared) {
      block.images.pixels.insert(block.images.pixels.end(), image.pixels.begin(), image.pixels.end());
      block.images.paths.push_back(path + suffix);
      if (labelled) block.images.labels.push_back(source.label(first + i));
      block.indices.push_back(first + i);
    }
  }
  return block;
}

}  // namespace

struct ImagePipeline::Impl {
  Impl(const ImageSource& image_source, Preparation made, const PipelineOptions& pipeline_options)
      : source(image_source), preparation(std::move(made)), options(pipeline_options) {
    if (options.end < 0) options.end = source.count();
    if (options.begin < 0 || options.begin > options.end || options.end > source.count()) {
      throw OptionError("inputs ", options.begin, " to ", options.end, " were asked for, of ", source.count(), ".");
    }
    if (options.threads < 1 || options.block_size < 1) {
      throw OptionError("decoding needs at least one thread and one image per block.");
    }
    if (options.blocks_ahead <= 0) options.blocks_ahead = 2 * options.threads + 2;
    options.block_size = std::min(options.block_size, std::max<int64_t>(1, options.end - options.begin));
    block_count = (options.end - options.begin + options.block_size - 1) / options.block_size;
    try {
      while (static_cast<int64_t>(threads.size()) < std::min(options.threads, block_count)) {
        threads.emplace_back([this] { work(); });
      }
    } catch (const std::system_error&) {
      // The system gives no more threads; the blocks are the same with fewer.
      if (threads.empty())
        throw Error("no thread could be started to decode images; the limit of processes is reached.");
    }
  }

  ~Impl() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
    }
    room.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      room.wait(lock, [&] { return stopping || started == block_count || started < taken + options.blocks_ahead; });
      if (stopping || started == block_count) return;
      const int64_t number = started++;
      lock.unlock();
      const Clock::time_point start = Clock::now();
      Finished result;
      try {
        const int64_t first = options.begin + number * options.block_size;
        result.block = make_block(source, preparation, first, std::min(options.block_size, options.end - first));
      } catch (...) {
        result.error = std::current_exception();
      }
      const double elapsed_s = seconds_since(start);
      lock.lock();
      times.decode_s += elapsed_s;
      finished.emplace(number, std::move(result));
      ready.notify_one();
    }
  }

  bool next(DecodedBlock& block) {
    std::unique_lock<std::mutex> lock(mutex);
    if (taken == block_count) return false;
    const Clock::time_point start = Clock::now();
    ready.wait(lock, [&] { return finished.count(taken) != 0; });
    times.wait_s += seconds_since(start);
    Finished result = std::move(finished.extract(taken).mapped());
    ++taken;
    room.notify_one();
    if (result.error) std::rethrow_exception(result.error);
    block = std::move(result.block);
    return true;
  }

  const ImageSource& source;
  const Preparation preparation;
  PipelineOptions options;
  int64_t block_count = 0;
  mutable std::mutex mutex;
  std::condition_variable room;   // a block was taken, or the end is near
  std::condition_variable ready;  // a block is finished
  bool stopping = false;
  int64_t started = 0;  // blocks given to threads
  int64_t taken = 0;    // blocks handed on
  std::map<int64_t, Finished> finished;
  PipelineTimes times;
  std::vector<std::thread> threads;
};

ImagePipeline::ImagePipeline(const ImageSource& source, Preparation preparation, const PipelineOptions& options)
    : impl_(std::make_unique<Impl>(source, std::move(preparation), options)) {}

ImagePipeline::ImagePipeline(const ImageSource& source, const ResizeOptions& resize, const PipelineOptions& options)
    : ImagePipeline(source, resize_preparation(resize), options) {}

ImagePipeline::~ImagePipeline() = default;

bool ImagePipeline::next(DecodedBlock& block) { return impl_->next(block); }

PipelineTimes ImagePipeline::times() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->times;
}

}  // namespace dcgan::data
