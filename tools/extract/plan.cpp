#include "tools/extract/plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

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
  for (const auto& [type, count] : types) found += text_of(found.empty() ? "" : ", ", count, " ", type);
  return text_of(inputs, " images (", found, "), ", features, " features each: ", cli::human_bytes(output_bytes),
                 "; free in ", folder, ": ", cli::human_bytes(free_bytes));
}

void Plan::require_room(const std::string& output) const {
  if (needed_bytes <= free_bytes) return;
  throw FileError(output, "needs ", cli::human_bytes(needed_bytes), ", ", folder, " has ", cli::human_bytes(free_bytes),
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
  plan.beside.classes = data::ClassCounts(source.classes());
  for (int64_t i = range.first; i < range.first + range.count; ++i) {
    const std::string path = source.path(i);
    path_bytes += 2 * static_cast<int64_t>(path.size()) + kBytesPerPath;
    ++plan.types[type_of(path, kind)];
    if (!source.classes().empty()) plan.beside.classes.add(source.label(i));
  }
  plan.inputs = range.count;
  plan.features = job.info.feature_count;
  const int64_t value_bytes = job.info.storage == FloatStorage::kFloat32 ? 4 : 2;
  plan.output_bytes = plan.inputs * plan.features * value_bytes;
  plan.needed_bytes = plan.output_bytes + path_bytes;
  if (job.mode != OutputMode::kCreate) plan.needed_bytes -= allocated_bytes(job.output + ".partial");
  fs::path folder = fs::absolute(job.output).parent_path();
  while (!fs::exists(folder)) folder = folder.parent_path();  // a dry run makes no folder
  plan.folder = folder.string();
  const fs::space_info space = fs::space(folder);
  if (space.capacity == 0)
    throw FileError(plan.folder, "is on a file system that holds no files; name another folder.");
  plan.free_bytes = static_cast<int64_t>(space.available);
  return plan;
}

double measure_rate(const FeatureMaker& maker, const ExtractionJob& job) {
  constexpr double kEnough_s = 3;
  constexpr int64_t kImages = 4096;
  const InputRange& range = job.info.inputs;
  std::vector<int64_t> spread(std::min(kImages, range.count));
  for (size_t i = 0; i < spread.size(); ++i) {
    spread[i] = range.first + static_cast<int64_t>(i) * range.count / static_cast<int64_t>(spread.size());
  }
  const data::SelectedSource sample(maker.source, spread);
  data::PipelineOptions options = job.inputs(0, 0);
  options.begin = 0;
  options.end = sample.count();
  // The first round warms up: memory, kernels, the cache of the disk where the second meets the same images.
  double seconds = 0;
  int64_t images = 0;
  for (const double enough_s : {kEnough_s / 6, kEnough_s}) {
    const cli::Clock::time_point start = cli::Clock::now();
    FeatureBlocks blocks(maker, sample, options);
    for (images = 0, seconds = 0; seconds < enough_s && blocks.next(); seconds = cli::seconds_since(start)) {
      images += blocks.block.inputs;
    }
  }
  return seconds > 0 ? static_cast<double>(images) / seconds : 0;
}

}  // namespace dcgan::extract_tool
