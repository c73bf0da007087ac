#include <iostream>
#include <nlohmann/json.hpp>

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

template <class Visitor>
void describe(ExportOptions& o, Visitor&& f) {
  f(o.npy, "npy", "NumPy file to make of the features, [N, D], float32 or float16 as they are stored");
  f(o.csv, "csv", "CSV file to make of the rows' paths, labels and classes");
  f(o.overwrite, "overwrite", "replace existing outputs");
}

}  // namespace

int export_command(int argc, const char* const* argv) {
  std::vector<std::string> names;
  ExportOptions options;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "Features, and the paths and labels of their rows, in the formats of other programs.",
                        std::string(argv[0]) + " photos.h5 --npy photos.npy --csv photos.csv");
  line.positional(names, "FILE.h5", "feature file");
  line.add("Output", options);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  if (names.size() != 1) throw OptionError("expected one FILE.h5, " + std::to_string(names.size()) + " were named.");
  if (options.npy.empty() && options.csv.empty()) {
    throw OptionError("--npy and --csv are missing; name at least one file to make.");
  }
  const FeatureFileReader features(names.front());
  if (!options.npy.empty()) export_npy(features, options.npy, options.overwrite);
  if (!options.csv.empty()) export_csv(features, options.csv, options.overwrite);
  if (common.json) {
    std::cout << nlohmann::ordered_json({{"rows", features.rows()},
                                         {"features", features.feature_count()},
                                         {"npy", options.npy},
                                         {"csv", options.csv}})
                     .dump()
              << "\n";
  } else {
    const bool both = !options.npy.empty() && !options.csv.empty();
    std::cout << options.npy << (both ? " and " : "") << options.csv << ": " << features.rows() << " rows\n";
  }
  return 0;
}

}  // namespace dcgan::extract_tool
