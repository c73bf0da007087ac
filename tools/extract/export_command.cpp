#include <algorithm>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/feature_export.h"
#include "tools/cli/command_line.h"
#include "tools/extract/commands.h"

namespace dcgan::extract_tool {
namespace {

struct ExportOptions {
  std::string npy;
  std::string csv;
  bool overwrite = false;
};

}  // namespace

int export_command(cli::CommandLine& line) {
  std::string file;
  ExportOptions options;
  line.about("Features, and the paths and labels of their rows, in the formats of other programs.",
             "photos.h5 --npy photos.npy --csv photos.csv");
  line.without({"threads", "device", "seed", "progress-every"});
  line.one(file, "FILE.h5", "feature file");
  line.add_output("Output", options.npy, "npy",
                  "NumPy file to make of the features, [N, D], float32 or float16 as they are stored");
  line.add_output("Output", options.csv, "csv", "CSV file to make of the rows' paths, labels and classes");
  line.add("Output", options.overwrite, "overwrite", "replace existing outputs");
  if (!line.parse()) return 0;
  if (options.npy.empty() && options.csv.empty()) {
    throw OptionError("--npy and --csv are missing; name at least one file to make.");
  }
  for (const std::string& path : {options.npy, options.csv}) {
    if (!path.empty()) cli::require_free(path, options.overwrite);
    cli::make_folder_of(path);
  }
  const FeatureFileReader features(file);
  line.require_apart([&features] { return features.files(); });
  if (!options.npy.empty()) export_npy(features, options.npy, options.overwrite);
  if (!options.csv.empty()) export_csv(features, options.csv, options.overwrite);
  const bool named = !features.info().classes.empty();
  const auto unlabelled = named ? std::count(features.labels().begin(), features.labels().end(), -1) : 0;
  const bool both = !options.npy.empty() && !options.csv.empty();
  cli::print_result(line.common(),
                    {{"rows", features.rows()},
                     {"unlabelled", unlabelled},
                     {"features", features.feature_count()},
                     {"npy", options.npy},
                     {"csv", options.csv}},
                    text_of(options.npy, both ? " and " : "", options.csv, ": ", features.rows(), " rows",
                            unlabelled > 0 ? text_of(", ", unlabelled, " without a label") : "", "\n"));
  return 0;
}

}  // namespace dcgan::extract_tool
