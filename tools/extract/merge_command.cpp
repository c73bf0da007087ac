#include <nlohmann/json.hpp>
#include <optional>

#include "dcgan/errors.h"
#include "dcgan/feature_merge.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/extract/commands.h"

namespace dcgan::extract_tool {

int merge_command(cli::CommandLine& line) {
  MergeJob job;
  cli::Output output;
  line.about("Puts the parts that --shard wrote together into one file.", "-o photos.h5 part-0.h5 part-1.h5");
  line.without({"threads", "device", "seed"});
  line.positional(job.parts, "PART.h5", "feature files of one extraction, in any order", 1);
  line.output_to_resume(output, "HDF5 file to make");
  line.add("Output", job.virtual_rows, "virtual",
           "copy no rows: an HDF5 virtual dataset that reads them from the parts, where they lie");
  if (!line.parse()) return 0;
  output.require_given();
  line.require_apart();
  cli::make_folder_of(output.path);
  if (output.resume && job.virtual_rows) throw OptionError("--resume and --virtual exclude each other.");
  job.output = output.path;
  job.mode = output.mode();
  std::optional<cli::Progress> progress;
  int64_t inputs_done = 0;
  int64_t inputs = 0;
  job.on_progress = [&](int64_t done, int64_t total) {
    if (!progress) progress.emplace("inputs", inputs = total, line.common());
    progress->update(inputs_done = done);
  };
  job.should_stop = cli::interrupted;
  const MergeResult result = merge_features(job);
  progress.reset();
  if (result.stopped) throw cli::Interrupted(inputs_done, inputs, "inputs");
  cli::print_result(
      line.common(),
      {{"output", job.output},
       {"parts", job.parts.size()},
       {"rows", result.rows},
       {"failures", result.failures},
       {"unlabelled", result.unlabelled},
       {"virtual", job.virtual_rows}},
      text_of(job.output, ": ", result.rows, " rows and ", result.failures, " failures of ", job.parts.size(), " parts",
              result.unlabelled > 0 ? text_of(", ", result.unlabelled, " rows without a label") : "", "\n"));
  return 0;
}

}  // namespace dcgan::extract_tool
