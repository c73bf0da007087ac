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
struct ModelOutput {
  cli::Output file;
  FloatStorage storage = FloatStorage::kFloat32;
  bool no_generator = false;

  void add_to(cli::CommandLine& line);
};

template <class Visitor>
void describe(ModelOutput& o, Visitor&& f) {
  f(o.storage, "storage", "f32, or f16: weights in half the size, about three digits; the statistics stay f32");
  f(o.no_generator, "no-generator", "leave the generator out: features need the discriminator only");
}

/// The images that the statistics are inferred from, of the model's size.
NextImages images_of(const tools::StatisticsOptions& statistics, const ModelFile& model,
                     const cli::CommonOptions& common);

/// Infers the statistics, if images were named; writes the model; says what it holds.
void write_model(ModelFile model, const ModelOutput& options, const tools::StatisticsOptions& statistics,
                 const cli::CommonOptions& common);

/// What a model file holds, as text of several lines, or one line of JSON. @throws FileError
std::string model_report(const std::string& path, bool json);

}  // namespace dcgan::convert_tool
