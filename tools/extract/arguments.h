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

/// What concerns the output apart from its name.
struct RowOptions {
  FloatStorage storage = FloatStorage::kFloat32;
  std::string shard;
  bool strict = false;
  bool force = false;
  bool dry_run = false;
};

template <class Visitor>
void describe(RowOptions& o, Visitor&& f) {
  f(o.storage, "storage", "f32, or f16: half the size, about three digits");
  f(o.shard, "shard",
    "I/N: the I-th of N equal parts of the inputs, I from 0; auto: as Slurm arrays and torchrun say; {shard} in -o "
    "becomes the I");
  f(o.strict, "strict", "stop at the first image that fails, or whose file has harmless damage");
  f(o.force, "force", "start even where the disk has too little room");
  f(o.dry_run, "dry-run", "say what would be done, with the size, the free space and the time, and stop");
}

/// What an extraction is made of.
struct ExtractArguments {
  std::vector<std::string> images;
  data::InputOptions input;
  ExtractOptions options;
  tools::StatisticsOptions statistics;
  FeatureOptions features;
  cli::Output output;
  RowOptions rows;
  cli::CommonOptions common;

  /// @return false if --help or --version was asked for and printed.
  bool parse(cli::CommandLine& line);
  /// All that rows depend on, as JSON for the feature file; empty where a path cannot be written in JSON.
  std::string record() const;
};

/// What made a feature file: by its attribute `options`, or by its command line where it is of a version without.
/// @throws FileError if neither says it
ExtractArguments arguments_of(const FeatureFileReader& file);

}  // namespace dcgan::extract_tool
