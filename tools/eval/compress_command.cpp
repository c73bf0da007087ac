#include <iomanip>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dcgan/feature_compression.h"
#include "eval/compression.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/eval/commands.h"
#include "tools/shared/feature_rows.h"

namespace dcgan::eval_tool {
namespace {

CompressionMap fit(const tools::FeatureRows& rows, const eval::CompressionOptions& options,
                   const cli::CommonOptions& common) {
  std::unique_ptr<cli::Progress> progress;
  eval::CompressionResources resources;
  resources.threads = common.threads;
  resources.seed = common.seed;
  resources.on_rows = [&](int64_t done, int64_t total) {
    if (!progress) progress = std::make_unique<cli::Progress>("rows of all passes", total, common);
    progress->update(done);
    cli::stop_if_interrupted();
  };
  const eval::Components components = eval::principal_components(rows, options, resources);
  double kept = 0;
  for (const double variance : components.variances) kept += variance;
  const FeatureFileInfo& info = rows.file().info();
  CompressionMap map;
  map.dimensions = options.dimensions;
  map.weights = components.weights;
  map.offsets = components.offsets;
  map.model_sha256 = info.model_sha256;
  map.layers = info.layers;
  map.grid = info.grid;
  map.preprocessing = info.preprocessing;
  map.record = nlohmann::ordered_json({{"method", "principal components of standardised features"},
                                       {"rows", rows.rows()},
                                       {"input-list", info.inputs.list},
                                       {"passes", options.passes},
                                       {"whiten", options.whiten},
                                       {"seed", common.seed},
                                       {"kept-variance", kept / components.total_variance}})
                   .dump();
  return map;
}

}  // namespace

int compress_command(cli::CommandLine& line) {
  std::string features;
  eval::CompressionOptions options;
  cli::Output output;
  line.about(
      "Fits the principal components of a feature file: dcgan-extract --compress then writes few numbers for each "
      "image. Fit them to training rows only: rows that something is tested on must not be among them.",
      "--features train.h5 --dimensions 256 -o pca.safetensors");
  line.without({"device"});
  line.add("Input", features, "features", "feature file of dcgan-extract; it may be larger than the memory");
  line.add("Components", options);
  line.output(output, "file of the compression (.safetensors) to make");
  line.require(features, "--features", "the feature file to fit to");
  if (!line.parse()) return 0;
  check(options);
  output.require_free();
  const tools::FeatureRows rows(features);
  const FeatureFileReader& file = rows.file();
  line.require_apart([&file] { return file.files(); });
  if (file.info().model_sha256.empty()) {
    throw FileError(features, "does not say how it was made; --features names a file of dcgan-extract.");
  }
  if (!compression_sha256(file.info().preprocessing).empty()) {
    throw FileError(features, "is compressed already; --features names a file that was extracted without --compress.");
  }
  FeatureCompression::save(output.path, fit(rows, options, line.common()));
  const FeatureCompression made(output.path, line.common().threads);
  const auto record = nlohmann::ordered_json::parse(made.map().record);
  std::ostringstream text;
  text << output.path << ": " << made.feature_count() << " features become " << made.dimensions() << ", which keep "
       << std::fixed << std::setprecision(1) << 100 * record["kept-variance"].get<double>()
       << "% of the variance of the " << file.rows() << " rows of " << features
       << " that they were fitted to; test on none of these\n";
  cli::print_result(line.common(),
                    {{"output", output.path},
                     {"rows", file.rows()},
                     {"features", made.feature_count()},
                     {"dimensions", made.dimensions()},
                     {"kept_variance", record["kept-variance"]},
                     {"sha256", made.sha256()}},
                    text.str());
  return 0;
}

}  // namespace dcgan::eval_tool
