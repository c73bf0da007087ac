#include "tools/shared/inputs_report.h"

#include <nlohmann/json.hpp>

#include "tools/cli/progress.h"

namespace dcgan::tools {

void InputsReport::add_to(nlohmann::ordered_json& json) const {
  json["passed_over"] = passed_over.kinds();
  json["remarks"] = remarks;
}

std::string InputsReport::text() const {
  std::string text = passed_over.text();
  if (!text.empty()) text += "\n";
  for (const auto& [remark, count] : remarks) {
    text += std::to_string(count) + (count == 1 ? " image" : " images") + " " + remark + "\n";
  }
  return text;
}

void log_notes(const data::OpenedImages& opened, const cli::CommonOptions& common) {
  for (const std::string& note : opened.notes) cli::log(common.quiet, note);
}

}  // namespace dcgan::tools
