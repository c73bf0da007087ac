#pragma once

#include <string>
#include <vector>

#include "dcgan/float_storage.h"
#include "dcgan/model_file.h"
#include "dcgan/options.h"
#include "tools/cli/command_line.h"
#include "tools/shared/statistics_images.h"

namespace dcgan::convert_tool {

/// The model file that a command makes.
struct ModelOutputOptions {
  std::string output;
  FloatStorage storage = FloatStorage::kFloat32;
  bool no_generator = false;
  bool overwrite = false;
};

template <class Visitor>
void describe(ModelOutputOptions& o, Visitor&& f) {
  f(o.output, "output,o", "model file (.safetensors) to make");
  f(o.storage, "storage", "f32, or f16: weights in half the size, about three digits; the statistics stay f32");
  f(o.no_generator, "no-generator", "leave the generator out: features need the discriminator only");
  f(o.overwrite, "overwrite", "replace an existing output");
}

/// @throws OptionError or FileError where the output has no name, or exists; before anything long is done.
void check_output(const ModelOutputOptions& options);

/// The images that the statistics are inferred from, of the model's size.
tools::StatisticsImages statistics_images(const tools::StatisticsOptions& statistics, const ModelFile& model,
                                          const cli::CommonOptions& common);

/// Infers the statistics, if images were named; writes the model; says what it holds.
void write_model(ModelFile model, const ModelOutputOptions& options, const tools::StatisticsOptions& statistics,
                 const cli::CommonOptions& common);

/// What a model file holds, as text of several lines, or one line of JSON. @throws FileError
std::string model_report(const std::string& path, bool json);

/// @return the only value. @throws OptionError "expected one WHAT, found N."
const std::string& only(const std::vector<std::string>& values, const std::string& what);

}  // namespace dcgan::convert_tool
