#include <sys/resource.h>

#include <algorithm>
#include <boost/algorithm/string/replace.hpp>
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/feature_compression.h"
#include "dcgan/output_files.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/extract/arguments.h"
#include "tools/extract/commands.h"
#include "tools/extract/plan.h"
#include "tools/extract/shard.h"

namespace dcgan::extract_tool {
namespace {

namespace fs = std::filesystem;

void print_report(const ExtractionReport& r, const ExtractionJob& job, const std::string& device) {
  const int64_t inputs = r.rows + r.failures - r.resumed_at;
  const double rate = r.seconds > 0 ? static_cast<double>(inputs) / r.seconds : 0;
  const double decode_share = r.decode_s / (r.seconds * static_cast<double>(job.common.threads));
  const double network_share = r.network_s / r.seconds;
  const double write_share = r.write_s / r.seconds;
  // Where the thread that runs the network spent its time.
  const char* bound = r.wait_s > std::max(r.network_s, r.blocked_s) ? "decoding"
                      : r.blocked_s > r.network_s                   ? "writing"
                                                                    : "the network";
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const int64_t peak_bytes = int64_t{1024} * usage.ru_maxrss;  // Linux counts in KiB
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << job.output << ": " << r.rows << " rows of " << job.info.feature_count
       << " features, " << r.failures << " failures" << (r.warnings > 0 ? text_of(", ", r.warnings, " warnings") : "")
       << "; " << rate << " images/s on " << device << ", bound by " << bound << std::setprecision(0) << " (decode "
       << 100 * decode_share << "% of all threads, network " << 100 * network_share << "%, write " << 100 * write_share
       << "% of the time), " << cli::human_bytes(peak_bytes) << " of memory\n";
  nlohmann::ordered_json json = {{"output", job.output},
                                 {"rows", r.rows},
                                 {"failures", r.failures},
                                 {"warnings", r.warnings},
                                 {"resumed_at", r.resumed_at},
                                 {"features", job.info.feature_count},
                                 {"device", device},
                                 {"seconds", r.seconds},
                                 {"images_per_second", rate},
                                 {"decode_share", decode_share},
                                 {"network_share", network_share},
                                 {"write_share", write_share},
                                 {"bound_by", bound},
                                 {"peak_memory_bytes", peak_bytes}};
  r.beside.add_to(json);
  cli::print_result(job.common, json, text.str() + r.beside.text());
}

void print_plan(const Plan& plan, double rate, const std::string& device, const cli::CommonOptions& common) {
  const double seconds = rate > 0 ? static_cast<double>(plan.inputs) / rate : 0;
  std::ostringstream text;
  text << plan.text() << "; about " << cli::human_duration(seconds) << " on " << device << ", at " << std::fixed
       << std::setprecision(1) << rate << " images/s\n";
  nlohmann::ordered_json json = {{"inputs", plan.inputs},         {"types", plan.types},
                                 {"features", plan.features},     {"output_bytes", plan.output_bytes},
                                 {"free_bytes", plan.free_bytes}, {"device", device},
                                 {"images_per_second", rate},     {"seconds", seconds}};
  plan.beside.add_to(json);
  cli::print_result(common, json, text.str() + plan.beside.text());
}

// What the file will say of how it was made, and which of the inputs are this run's.
FeatureFileInfo info_of(const ExtractArguments& arguments, const FeatureMaker& maker, const Shard& shard) {
  const FeatureExtractor& extractor = maker.extractor;
  FeatureFileInfo info;
  info.feature_count = extractor.feature_count();
  info.model_sha256 = extractor.model_sha256();
  info.architecture = extractor.architecture();
  info.layers = extractor.layers();
  info.layer_offsets = extractor.layer_offsets();
  info.grid = arguments.features.grid;
  info.options = arguments.record();
  info.seed = arguments.common.seed;
  const int64_t count = maker.source.count();
  const int64_t begin = shard.begin(count);
  info.inputs = {data::input_list_hash(maker.source), begin, shard.end(count) - begin, count};
  info.classes = maker.source.classes();
  info.storage = arguments.rows.storage;
  return info;
}

// An output that is there already: nothing is left to do if it is what was asked for.
int complete_already(const ExtractionJob& job, const FeatureMaker& maker) {
  const FeatureFileReader reader(job.output);
  check_made_as(reader, job.info);
  const FeatureCompression* compression = maker.extractor.compression();
  if (compression_sha256(reader.info().preprocessing) != (compression == nullptr ? "" : compression->sha256())) {
    throw FileError(job.output,
                    "is complete, but was made with another --compress; --overwrite replaces it, or write "
                    "another file.");
  }
  cli::print_result(job.common,
                    {{"output", job.output}, {"rows", reader.rows()}, {"failures", reader.failures().size()}},
                    job.output + ": complete already\n");
  return 0;
}

}  // namespace

int extract_command(cli::CommandLine& line) {
  ExtractArguments arguments;
  if (!arguments.parse(line)) return 0;
  const Shard shard = parse_shard(arguments.rows.shard, [](const char* name) { return std::getenv(name); });
  boost::replace_all(arguments.output.path, "{shard}", text_of(shard.index));
  const auto& [images, input, options, statistics, features, output, rows, common] = arguments;
  output.require_given();
  line.require_apart();
  if (images.empty() && input.list.empty())
    throw OptionError("no IMAGES given; name files, folders, an archive or a packed file.");
  ExtractionJob job;
  job.mode = output.mode();
  job.output = output.path;
  output_target(job.output);  // refuses what is no file
  if (!rows.dry_run) cli::make_folder_of(job.output);
  const bool complete = output.resume && fs::exists(job.output);
  // Before anything is computed: an output in the way, a model that does not fit.
  if (!complete) FeatureFileWriter::check_output(job.output, job.mode);
  FeatureExtractor extractor = make_extractor(options, features);
  const int64_t size = extractor.image_size();
  data::DecodeOptions decode = decode_options(options, size);
  decode.strict = rows.strict;
  const data::OpenedImages opened = data::open_images(images, input, decode);
  line.require_apart([&, model = cli::model_file("--model", options.model)] {
    std::vector<std::string> files = opened.source->files();
    for (const std::string& file : tools::files_of(arguments.statistics)) files.push_back(file);
    files.push_back(model);
    return files;
  });
  tools::log_notes(opened, common);
  const FeatureMaker maker = {*opened.source, extractor};

  job.common = common;
  job.batch_size = features.batch_size;
  job.strict = rows.strict;
  job.info = info_of(arguments, maker, shard);
  job.info.command_line = line.text();
  if (complete) return complete_already(job, maker);
  Plan plan = make_plan(maker.source, job);
  plan.beside.passed_over = opened.passed_over;
  // A compression that was fitted with other statistics is refused.
  if (rows.dry_run && !features.compress.empty()) use_statistics(extractor, statistics, options, common);
  if (rows.dry_run) print_plan(plan, measure_rate(maker, job), extractor.device(), common);
  if (!rows.force) plan.require_room(job.output);
  if (rows.dry_run) return 0;
  cli::log(common.quiet, plan.text() + "; on " + extractor.device());
  for (const std::string& guess : extractor.guesses()) cli::log(common.quiet, "assumed of the model: " + guess);
  use_statistics(extractor, statistics, options, common);
  job.info.preprocessing = preprocessing_json(maker);
  ExtractionReport report = extract_to_file(maker, job);
  report.beside.passed_over = opened.passed_over;
  if (extractor.colour_images() > 0) {
    report.beside.remarks["with colours, taken as grey by their luma (Pillow's L)"] += extractor.colour_images();
  }
  print_report(report, job, extractor.device());
  return report.failures > 0 ? cli::kSomeInputsFailed : 0;
}

}  // namespace dcgan::extract_tool
