#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "dcgan/feature_merge.h"
#include "tools/cli/command_line.h"
#include "tools/cli/progress.h"
#include "tools/extract/commands.h"
#include "tools/extract/extraction.h"

namespace dcgan::extract_tool {
namespace {

struct MergeOptions {
  std::string output;
  bool virtual_rows = false;
  bool resume = false;
  bool overwrite = false;
};

template <class Visitor>
void describe(MergeOptions& o, Visitor&& f) {
  f(o.output, "output,o", "HDF5 file to make");
  f(o.virtual_rows, "virtual", "copy no rows: an HDF5 virtual dataset that reads them from the parts, where they lie");
  f(o.resume, "resume", "go on where an interrupted merge stopped");
  f(o.overwrite, "overwrite", "replace an existing output");
}

}  // namespace

int merge_command(int argc, const char* const* argv) {
  MergeJob job;
  MergeOptions options;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "Puts the parts that --shard wrote together into one file.",
                        std::string(argv[0]) + " -o photos.h5 part-0.h5 part-1.h5");
  line.positional(job.parts, "PART.h5", "feature files of one extraction, in any order");
  line.add("Output", options);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  if (options.output.empty()) throw OptionError("-o is missing; it names the HDF5 file to make.");
  if (job.parts.empty()) throw OptionError("no PART.h5 given; name the feature files to merge.");
  if (options.resume && options.virtual_rows) throw OptionError("--resume and --virtual exclude each other.");
  job.output = options.output;
  job.virtual_rows = options.virtual_rows;
  job.mode = write_mode(options.resume, options.overwrite);
  std::optional<cli::Progress> progress;
  job.on_progress = [&](int64_t done, int64_t total) {
    if (!progress) progress.emplace("inputs", total, common.quiet);
    progress->update(done);
  };
  job.should_stop = cli::interrupted;
  const MergeResult result = merge_features(job);
  progress.reset();
  if (result.stopped) throw cli::Interrupted();
  if (common.json) {
    std::cout << nlohmann::ordered_json({{"output", job.output},
                                         {"parts", job.parts.size()},
                                         {"rows", result.rows},
                                         {"failures", result.failures},
                                         {"virtual", job.virtual_rows}})
                     .dump()
              << "\n";
  } else {
    std::cout << job.output << ": " << result.rows << " rows and " << result.failures << " failures of "
              << job.parts.size() << " parts\n";
  }
  return 0;
}

}  // namespace dcgan::extract_tool
