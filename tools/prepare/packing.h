#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "data/image_source.h"
#include "data/input_rules.h"
#include "data/preparation.h"
#include "tools/cli/command_line.h"

namespace dcgan::prepare_tool {

/// Whether nothing is left to do (then it says so); what is in the way is refused before anything is computed.
/// @throws OptionError or FileError
bool is_complete(const cli::Output& output);

/// What pack() makes.
struct Packing {
  data::Preparation preparation;
  cli::Output output;
  data::PassedOver passed_over{};                                   ///< beside the inputs
  nlohmann::ordered_json found = nlohmann::ordered_json::object();  ///< numbers to report beside those of the packing
};

/// Packs a data set, with a progress line, and reports. @return the exit code: 3 if some inputs failed
int pack(const data::ImageSource& source, const Packing& packing, const cli::CommandLine& line);

}  // namespace dcgan::prepare_tool
