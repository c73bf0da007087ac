#include "tools/extract/plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/image_pipeline.h"
#include "data/selected_source.h"
#include "dcgan/errors.h"
#include "tools/cli/progress.h"

namespace dcgan::extract_tool {
namespace {

namespace fs = std::filesystem;

std::string type_of(const std::string& path, const std::string& kind) {
  if (kind == "packed images") return kind;
  std::string extension = fs::path(path).extension().string();
  if (extension.size() < 2) return "without extension";
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension.substr(1);
}

int64_t allocated_bytes(const std::string& path) {
  constexpr int64_t kBlock = 512;  // the unit of st_blocks, whatever the file system
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_blocks * kBlock : 0;
}

}  // namespace

std::string Plan::text() const {
  std::string found;
  for (const auto& [type, count] : types) found += (found.empty() ? "" : ", ") + std::to_string(count) + " " + type;
  return std::to_string(inputs) + " images (" + found + "), " + std::to_string(features) +
         " features each: " + cli::human_bytes(static_cast<double>(output_bytes)) + "; free in " + folder + ": " +
         cli::human_bytes(static_cast<double>(free_bytes));
}

void Plan::require_room(const std::string& output) const {
  if (needed_bytes <= free_bytes) return;
  throw FileError(output, "needs " + cli::human_bytes(static_cast<double>(needed_bytes)) + ", " + folder + " has " +
                              cli::human_bytes(static_cast<double>(free_bytes)) +
                              " free; make room, write less with --storage f16, --layers or --grid, or start with "
                              "--force.");
}

Plan make_plan(const data::ImageSource& source, const ExtractionJob& job) {
  // Each path is in the journal and in the file, there with 16 bytes of reference and 16 of heap.
  constexpr int64_t kBytesPerPath = 48;
  Plan plan;
  const InputRange& range = job.info.inputs;
  const std::string kind = nlohmann::json::parse(source.description())["kind"];
  int64_t path_bytes = 0;
  for (int64_t i = range.first; i < range.first + range.count; ++i) {
    const std::string path = source.path(i);
    path_bytes += 2 * static_cast<int64_t>(path.size()) + kBytesPerPath;
    ++plan.types[type_of(path, kind)];
  }
  plan.inputs = range.count;
  plan.features = job.info.feature_count;
  const int64_t value_bytes = job.info.storage == FloatStorage::kFloat32 ? 4 : 2;
  plan.output_bytes = plan.inputs * plan.features * value_bytes;
  plan.needed_bytes = plan.output_bytes + path_bytes;
  if (job.mode != FeatureFileWriter::Mode::kCreate) plan.needed_bytes -= allocated_bytes(job.output + ".partial");
  plan.folder = fs::absolute(job.output).parent_path().string();
  std::error_code error;
  const fs::space_info space = fs::space(plan.folder, error);
  if (error) throw FileError(plan.folder, "cannot hold the output: " + error.message() + "; make the folder first.");
  plan.free_bytes = static_cast<int64_t>(space.available);
  return plan;
}

double measure_rate(const data::ImageSource& source, const data::ResizeOptions& resize, FeatureExtractor& extractor,
                    const ExtractionJob& job) {
  constexpr double kEnough_s = 3;
  constexpr int64_t kImages = 4096;
  using Clock = std::chrono::steady_clock;
  const InputRange& range = job.info.inputs;
  std::vector<int64_t> spread(static_cast<size_t>(std::min(kImages, range.count)));
  for (size_t i = 0; i < spread.size(); ++i) {
    spread[i] = range.first + static_cast<int64_t>(i) * range.count / static_cast<int64_t>(spread.size());
  }
  const data::SelectedSource sample(source, spread);
  std::vector<float> features;
  // The first round warms up: memory, kernels, the cache of the disk where the second meets the same images.
  double seconds = 0;
  int64_t images = 0;
  for (const double enough_s : {kEnough_s / 6, kEnough_s}) {
    data::PipelineOptions options;
    options.threads = job.threads;
    options.block_size = job.batch_size;
    const Clock::time_point start = Clock::now();
    data::ImagePipeline pipeline(sample, resize, options);
    data::DecodedBlock block;
    for (images = 0, seconds = 0; seconds < enough_s && pipeline.next(block);
         seconds = std::chrono::duration<double>(Clock::now() - start).count()) {
      features.resize(static_cast<size_t>(block.images.count() * extractor.feature_count()));
      extractor.extract(block.images.pixels.data(), block.images.count(), resize.size, resize.size, 0, features.data());
      images += block.inputs;
    }
  }
  return seconds > 0 ? static_cast<double>(images) / seconds : 0;
}

}  // namespace dcgan::extract_tool
