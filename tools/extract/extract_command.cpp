#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/cli/progress.h"
#include "tools/extract/arguments.h"
#include "tools/extract/commands.h"
#include "tools/extract/plan.h"
#include "tools/extract/shard.h"

namespace dcgan::extract_tool {
namespace {

namespace fs = std::filesystem;

std::string with_shard(std::string output, const Shard& shard) {
  const std::string mark = "{shard}";
  for (size_t at = 0; (at = output.find(mark, at)) != std::string::npos;) {
    output.replace(at, mark.size(), std::to_string(shard.index));
  }
  return output;
}

void print_report(const ExtractionReport& r, const std::string& output, const FeatureExtractor& extractor,
                  int64_t threads, bool json) {
  const int64_t inputs = r.rows + r.failures - r.resumed_at;
  const double rate = r.seconds > 0 ? static_cast<double>(inputs) / r.seconds : 0;
  const double decode_share = r.decode_s / (r.seconds * static_cast<double>(threads));
  const double network_share = r.network_s / r.seconds;
  const double write_share = r.write_s / r.seconds;
  // Where the thread that runs the network spent its time.
  const char* bound = r.wait_s > std::max(r.network_s, r.blocked_s) ? "decoding"
                      : r.blocked_s > r.network_s                   ? "writing"
                                                                    : "the network";
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const int64_t peak_bytes = int64_t{1024} * usage.ru_maxrss;  // Linux counts in KiB
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
                                         {"bound_by", bound},
                                         {"peak_memory_bytes", peak_bytes}})
                     .dump()
              << "\n";
    return;
  }
  std::printf(
      "%s: %lld rows of %lld features, %lld failures; %.1f images/s on %s, bound by %s "
      "(decode %.0f%% of all threads, network %.0f%%, write %.0f%% of the time), %s of memory\n",
      output.c_str(), static_cast<long long>(r.rows), static_cast<long long>(extractor.feature_count()),
      static_cast<long long>(r.failures), rate, extractor.device().c_str(), bound, 100 * decode_share,
      100 * network_share, 100 * write_share, cli::human_bytes(static_cast<double>(peak_bytes)).c_str());
}

void print_plan(const Plan& plan, double rate, const std::string& device, bool json) {
  const double seconds = rate > 0 ? static_cast<double>(plan.inputs) / rate : 0;
  if (json) {
    std::cout << nlohmann::ordered_json({{"inputs", plan.inputs},
                                         {"types", plan.types},
                                         {"features", plan.features},
                                         {"output_bytes", plan.output_bytes},
                                         {"free_bytes", plan.free_bytes},
                                         {"device", device},
                                         {"images_per_second", rate},
                                         {"seconds", seconds}})
                     .dump()
              << "\n";
    return;
  }
  std::printf("%s; about %s on %s, at %.1f images/s\n", plan.text().c_str(), cli::human_duration(seconds).c_str(),
              device.c_str(), rate);
}

}  // namespace

int extract_command(int argc, const char* const* argv) {
  ExtractArguments arguments;
  if (!arguments.parse(argc, argv)) return 0;
  auto& [images, input, options, statistics, features, output, common, command_line] = arguments;
  if (output.output.empty()) throw OptionError("-o is missing; it names the HDF5 file to make.");
  if (images.empty() && input.list.empty())
    throw OptionError("no IMAGES given; name files, folders, an archive or a packed file.");
  ExtractionJob job;
  job.mode = write_mode(output.resume, output.overwrite);
  const Shard shard = parse_shard(output.shard, [](const char* name) { return std::getenv(name); });
  job.output = with_shard(output.output, shard);
  if (fs::is_directory(job.output)) throw FileError(job.output, "is a folder; -o names the file to make.");
  const bool complete = output.resume && fs::exists(job.output);
  // Before anything is computed: an output in the way, a model that does not fit.
  if (!complete) FeatureFileWriter::check_output(job.output, job.mode);
  features.threads = cli::resolve_threads(common.threads);
  features.device = common.device;
  FeatureExtractor extractor = make_extractor(options, features);
  const data::OpenedImages opened = data::open_images(images, input, decode_options(options, extractor.image_size()));
  const data::ImageSource& source = *opened.source;
  for (const std::string& note : opened.notes) cli::log(common.quiet, note);

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
  job.info.command_line = command_line;
  job.info.seed = common.seed;
  const int64_t begin = shard.begin(source.count());
  job.info.inputs = {data::input_list_hash(source), begin, shard.end(source.count()) - begin, source.count()};
  job.info.classes = source.classes();
  job.info.storage = output.storage;

  if (complete) {
    const FeatureFileReader reader(job.output);
    check_made_as(reader, job.info);
    if (common.json) {
      std::cout << nlohmann::ordered_json(
                       {{"output", job.output}, {"rows", reader.rows()}, {"failures", reader.failures().size()}})
                       .dump()
                << "\n";
    } else {
      std::cout << job.output << ": complete already\n";
    }
    return 0;
  }
  const data::ResizeOptions resize = resize_options(options, extractor.image_size());
  const Plan plan = make_plan(source, job);
  if (output.dry_run) print_plan(plan, measure_rate(source, resize, extractor, job), extractor.device(), common.json);
  if (!output.force) plan.require_room(job.output);
  if (output.dry_run) return 0;
  cli::log(common.quiet, plan.text() + "; on " + extractor.device());
  use_statistics(extractor, statistics, options, common);
  job.info.preprocessing = preprocessing_json(options, features.precision, extractor, source);
  const ExtractionReport report = extract_to_file(source, resize, extractor, job);
  print_report(report, job.output, extractor, features.threads, common.json);
  return report.failures > 0 ? cli::kSomeInputsFailed : 0;
}

}  // namespace dcgan::extract_tool
