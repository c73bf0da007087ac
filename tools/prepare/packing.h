#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "data/image_source.h"
#include "data/preparation.h"
#include "tools/cli/command_line.h"

namespace dcgan::prepare_tool {

struct OutputOptions {
  std::string output;
  bool overwrite = false;
  bool resume = false;
};

template <class Visitor>
void describe(OutputOptions& o, Visitor&& f) {
  f(o.output, "output,o", "file to make");
  f(o.resume, "resume", "go on with a partial file that an interrupted run left");
  f(o.overwrite, "overwrite", "replace a file that exists, or a partial one");
}

/// @throws OptionError "FLAG is missing; it names WHAT." if `value` is empty.
void require_given(const std::string& value, const std::string& flag, const std::string& what);

/// Whether nothing is left to do (then it says so); what is in the way is refused before anything is computed.
/// @throws OptionError or FileError
bool is_complete(const OutputOptions& output);

/// What pack() makes.
struct Packing {
  data::Preparation preparation;
  OutputOptions output;
  nlohmann::ordered_json found = nlohmann::ordered_json::object();  ///< numbers to report beside those of the packing
};

/// Packs a data set, with a progress line, and reports. @return the exit code: 3 if some inputs failed
int pack(const data::ImageSource& source, const Packing& packing, const cli::CommonOptions& common,
         const cli::CommandLine& line);

}  // namespace dcgan::prepare_tool
