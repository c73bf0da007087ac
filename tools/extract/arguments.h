#pragma once

#include <string>
#include <vector>

#include "data/open_images.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/feature_file.h"
#include "tools/cli/command_line.h"
#include "tools/extract/extraction.h"
#include "tools/shared/statistics_images.h"

namespace dcgan::extract_tool {

struct OutputOptions {
  std::string output;
  FloatStorage storage = FloatStorage::kFloat32;
  std::string shard;
  bool resume = false;
  bool overwrite = false;
  bool strict = false;
  bool force = false;
  bool dry_run = false;
};

template <class Visitor>
void describe(OutputOptions& o, Visitor&& f) {
  f(o.output, "output,o", "HDF5 file to make; {shard} in it becomes the I of --shard");
  f(o.storage, "storage", "f32, or f16: half the size, about three digits");
  f(o.shard, "shard", "I/N: the I-th of N equal parts of the inputs, I from 0; auto: as Slurm arrays and torchrun say");
  f(o.resume, "resume", "go on where an earlier run stopped");
  f(o.overwrite, "overwrite", "replace an existing output");
  f(o.strict, "strict", "stop at the first image that fails");
  f(o.force, "force", "start even where the disk has too little room");
  f(o.dry_run, "dry-run", "say what would be done, with the size, the free space and the time, and stop");
}

/// What a command line of dcgan-extract asks for.
struct ExtractArguments {
  std::vector<std::string> images;
  data::InputOptions input;
  ExtractOptions options;
  tools::StatisticsOptions statistics;
  FeatureOptions features;
  OutputOptions output;
  cli::CommonOptions common;
  std::string command_line;

  /// @return false if --help or --version was asked for and printed.
  bool parse(int argc, const char* const* argv);
};

}  // namespace dcgan::extract_tool
