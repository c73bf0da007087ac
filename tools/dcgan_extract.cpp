// dcgan-extract: features of images into HDF5.

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "data/open_images.h"
#include "tools/cli/command_line.h"
#include "tools/cli/progress.h"
#include "tools/extract/extraction.h"

namespace {

using namespace dcgan;
namespace fs = std::filesystem;

struct OutputOptions {
  std::string output;
  FeatureStorage storage = FeatureStorage::kFloat32;
  std::string shard;
  bool resume = false;
  bool overwrite = false;
  bool strict = false;
  bool dry_run = false;
};

template <class Visitor>
void describe(OutputOptions& o, Visitor&& f) {
  f(o.output, "output,o", "HDF5 file to make");
  f(o.storage, "storage", "f32, or f16: half the size, about three digits");
  f(o.shard, "shard", "I/N: the I-th of N equal parts of the inputs, I from 0");
  f(o.resume, "resume", "go on where an earlier run stopped");
  f(o.overwrite, "overwrite", "replace an existing output");
  f(o.strict, "strict", "stop at the first image that fails");
  f(o.dry_run, "dry-run", "say what would be done, with size and free space, and stop");
}

// First input and one past the last of shard "I/N".
std::pair<int64_t, int64_t> shard_range(const std::string& shard, int64_t count) {
  if (shard.empty()) return {0, count};
  int64_t index = 0;
  int64_t shards = 0;
  const size_t slash = shard.find('/');
  if (slash != std::string::npos) {
    cli::from_text("shard", shard.substr(0, slash), index);
    cli::from_text("shard", shard.substr(slash + 1), shards);
  }
  if (shards < 1 || index < 0 || index >= shards) {
    throw OptionError("--shard is \"" + shard + "\"; it must be I/N with I from 0 to N - 1, such as 0/4.");
  }
  return {count * index / shards, count * (index + 1) / shards};
}

void print_report(const tools::ExtractionReport& r, const std::string& output, const FeatureExtractor& extractor,
                  int64_t threads, bool json) {
  const int64_t inputs = r.rows + r.failures - r.resumed_at;
  const double rate = r.seconds > 0 ? static_cast<double>(inputs) / r.seconds : 0;
  const double decode_share = r.decode_s / (r.seconds * static_cast<double>(threads));
  const double network_share = r.network_s / r.seconds;
  const double write_share = r.write_s / r.seconds;
  const char* bound = r.wait_s > 0.2 * r.seconds                         ? "decoding"
                      : write_share > network_share && write_share > 0.5 ? "writing"
                                                                         : "the network";
  if (json) {
    std::cout << nlohmann::ordered_json({{"output", output},
                                         {"rows", r.rows},
                                         {"failures", r.failures},
                                         {"resumed_at", r.resumed_at},
                                         {"features", extractor.feature_count()},
                                         {"device", extractor.device()},
                                         {"seconds", r.seconds},
                                         {"images_per_second", rate},
                                         {"decode_share", decode_share},
                                         {"network_share", network_share},
                                         {"write_share", write_share},
                                         {"bound_by", bound}})
                     .dump()
              << "\n";
    return;
  }
  std::printf(
      "%s: %lld rows of %lld features, %lld failures; %.1f images/s on %s, bound by %s "
      "(decode %.0f%% of all threads, network %.0f%%, write %.0f%% of the time)\n",
      output.c_str(), static_cast<long long>(r.rows), static_cast<long long>(extractor.feature_count()),
      static_cast<long long>(r.failures), rate, extractor.device().c_str(), bound, 100 * decode_share,
      100 * network_share, 100 * write_share);
}

int extract(int argc, const char* const* argv) {
  std::vector<std::string> inputs;
  data::InputOptions input;
  tools::ExtractOptions options;
  tools::StatisticsOptions statistics;
  FeatureOptions features;
  OutputOptions output;
  cli::CommonOptions common;
  cli::CommandLine line("dcgan-extract", "Features of a trained discriminator for every image, into one HDF5 file.",
                        "dcgan-extract photos/ -o photos.h5 --model runs/narrow/model.safetensors");
  line.positional(inputs, "IMAGES", "files, folders (recursive) or one packed file");
  line.add("Images", input);
  line.add("Model", options);
  line.add("Batch-norm statistics (default: the model's)", statistics);
  line.add("Features", features);
  line.add("Output", output);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  if (output.output.empty()) throw OptionError("-o is missing; it names the HDF5 file to make.");
  if (inputs.empty() && input.list.empty()) throw OptionError("no IMAGES given; name files, folders or a packed file.");
  if (output.resume && output.overwrite) throw OptionError("--resume and --overwrite exclude each other.");
  if (output.resume && fs::exists(output.output)) {
    std::cout << output.output << ": complete already\n";
    return 0;
  }
  const data::OpenedImages opened = data::open_images(inputs, input, tools::decode_options(options));
  const auto& source = opened.source;
  for (const std::string& note : opened.notes) cli::log(common.quiet, note);
  features.threads = cli::resolve_threads(common.threads);
  features.device = common.device;
  FeatureExtractor extractor = tools::make_extractor(options, features);

  tools::ExtractionJob job;
  job.output = output.output;
  job.mode = output.resume      ? FeatureFileWriter::Mode::kResume
             : output.overwrite ? FeatureFileWriter::Mode::kOverwrite
                                : FeatureFileWriter::Mode::kCreate;
  std::tie(job.begin, job.end) = shard_range(output.shard, source->count());
  job.threads = features.threads;
  job.batch_size = features.batch_size;
  job.strict = output.strict;
  job.quiet = common.quiet;
  job.info.feature_count = extractor.feature_count();
  job.info.model_sha256 = extractor.model_sha256();
  job.info.architecture = extractor.architecture();
  job.info.layers = extractor.layers();
  job.info.layer_offsets = extractor.layer_offsets();
  job.info.grid = features.grid;
  job.info.command_line = line.text();
  job.info.seed = common.seed;
  job.info.classes = source->classes();
  job.info.storage = output.storage;

  const int64_t value_bytes = output.storage == FeatureStorage::kFloat32 ? 4 : 2;
  const auto bytes = static_cast<double>((job.end - job.begin) * extractor.feature_count() * value_bytes);
  const fs::path folder = fs::absolute(output.output).parent_path();
  const auto free_bytes = static_cast<double>(fs::space(folder).available);
  const std::string plan = std::to_string(job.end - job.begin) + " images, " +
                           std::to_string(extractor.feature_count()) + " features each: " + cli::human_bytes(bytes) +
                           "; free in " + folder.string() + ": " + cli::human_bytes(free_bytes);
  if (output.dry_run) {
    std::cout << plan << "\n";
    return 0;
  }
  cli::log(common.quiet, plan + "; on " + extractor.device());
  tools::use_statistics(extractor, statistics, options, common);
  job.info.preprocessing = tools::preprocessing_json(options, extractor, *source);
  const data::ResizeOptions resize = tools::resize_options(options, extractor.image_size());
  const tools::ExtractionReport report = tools::extract_to_file(*source, resize, extractor, job);
  print_report(report, output.output, extractor, features.threads, common.json);
  constexpr int kSomeInputsFailed = 3;
  return report.failures > 0 ? kSomeInputsFailed : 0;
}

}  // namespace

int main(int argc, char** argv) {
  return dcgan::cli::run_program(argc, argv, "Features of images into HDF5.", {}, extract);
}
