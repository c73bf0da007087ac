#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "data/image_decoder.h"
#include "data/image_source.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/feature_file.h"
#include "dcgan/options.h"
#include "tools/cli/command_line.h"
#include "tools/cli/shipped_files.h"
#include "tools/shared/feature_blocks.h"
#include "tools/shared/inputs_report.h"
#include "tools/shared/statistics_images.h"

namespace dcgan::extract_tool {

using tools::FeatureBlocks;
using tools::FeatureMaker;

/// How JPEGs are decoded: kScaled lets libjpeg halve them once to three times, to no less than twice the final size.
enum class DecodeMode { kExact, kScaled };

}  // namespace dcgan::extract_tool

namespace dcgan {

template <>
struct EnumNames<extract_tool::DecodeMode> {
  static constexpr std::array<std::string_view, 2> kNames = {"exact", "scaled"};
};

}  // namespace dcgan

namespace dcgan::extract_tool {

using tools::FeatureBlocks;
using tools::FeatureMaker;

/// What decides the features of an image, apart from the image.
struct ExtractOptions {
  std::string model = cli::kDefaultModel;
  DecodeMode decode = DecodeMode::kExact;
  int64_t max_pixels = data::DecodeOptions{}.max_pixels;
  int64_t sample_bits = data::DecodeOptions{}.sample_bits;
};

template <class Visitor>
void describe(ExtractOptions& o, Visitor&& f) {
  f(o.model, "model", "model file (.safetensors), or the name of one that ships with the project");
  f(o.decode, "decode",
    "exact, or scaled: large JPEGs are decoded at a part of their size, which is faster and changes the features");
  f(o.max_pixels, "max-pixels", "images with more pixels are failures");
  f(o.sample_bits, "sample-bits",
    "12: 16-bit images whose samples are all below 4096, and which do not say of how many bits they are, are scaled as "
    "of 12 bits; any number from 8 to 16");
}

/// The extractor of the options, with the model's own statistics.
FeatureExtractor make_extractor(const ExtractOptions& options, const FeatureOptions& features);

/// Infers the statistics that the options ask for, if they do.
void use_statistics(FeatureExtractor& extractor, const tools::StatisticsOptions& statistics,
                    const ExtractOptions& options, const cli::CommonOptions& common);

/// @param size  of the model's images, pixels
/// @throws OptionError for a value out of range.
data::DecodeOptions decode_options(const ExtractOptions& options, int64_t size);

/// JSON of what was done to each image before the network, where the batch-norm statistics come from, and what its
/// features went through. @throws OptionError if the compression was fitted to other features
std::string preprocessing_json(const FeatureMaker& maker);

struct ExtractionJob {
  std::string output;
  OutputMode mode = OutputMode::kCreate;
  FeatureFileInfo info;  ///< info.inputs: which of the source are extracted
  int64_t batch_size = 64;
  bool strict = false;  ///< the first failure ends the run; the source takes harmless damage for one
  cli::CommonOptions common;

  /// For `count` of the inputs from `first` on, counted from the first of info.inputs.
  data::PipelineOptions inputs(int64_t first, int64_t count) const;
};

/// What a run did and where its time went.
struct ExtractionReport {
  int64_t rows = 0;
  int64_t failures = 0;
  int64_t warnings = 0;        ///< harmless damage of files that gave a row
  int64_t resumed_at = 0;      ///< inputs that an earlier run had done
  tools::InputsReport beside;  ///< remarks of this run
  double seconds = 0;
  double decode_s = 0;  ///< summed over the decoding threads
  double wait_s = 0;    ///< the network waited for images
  double network_s = 0;
  double write_s = 0;    ///< the writing thread was busy
  double blocked_s = 0;  ///< the network waited for the writing, the last of it included
};

/// Where a row differs most from what is expected of it.
struct RowDifference {
  size_t feature = 0;
  double relative = 0;  ///< to the largest expected feature of the row; beyond what the storage rounds
};

/// @param found, expected  [columns]
RowDifference compare_rows(const float* found, const float* expected, size_t columns, FloatStorage storage);

/// Decodes, runs the network and writes side by side; the rows are in the order of the inputs. Failures go to stderr,
/// one line each, and into the file. A run that goes on first extracts the first and the last images again that are
/// done, and refuses if their features are others. @throws cli::Interrupted after a flush, if a signal came.
ExtractionReport extract_to_file(const FeatureMaker& maker, const ExtractionJob& job);

}  // namespace dcgan::extract_tool
