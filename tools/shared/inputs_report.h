#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "data/class_counts.h"
#include "data/open_images.h"
#include "tools/cli/command_line.h"

namespace dcgan::tools {

/// What is said of the inputs of a command beside their number.
struct InputsReport {
  data::ClassCounts classes;
  data::PassedOver passed_over;
  std::map<std::string, int64_t> remarks;  ///< data::DecodedImage::remark of how many inputs

  /// Members "class_counts", "unlabelled", "passed_over" and "remarks"; all but the second are objects with counts.
  void add_to(nlohmann::ordered_json& json) const;
  /// A line for each of them; empty where there is nothing to say.
  std::string text() const;
};

/// The notes of what was opened, on stderr.
void log_notes(const data::OpenedImages& opened, const cli::CommonOptions& common);

}  // namespace dcgan::tools
