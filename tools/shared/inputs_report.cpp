#include "tools/shared/inputs_report.h"

#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "tools/cli/progress.h"

namespace dcgan::tools {

void InputsReport::add_to(nlohmann::ordered_json& json) const {
  nlohmann::ordered_json counts = nlohmann::ordered_json::object();
  for (size_t k = 0; k < classes.classes.size(); ++k) counts[classes.classes[k]] = classes.counts[k];
  json["class_counts"] = counts;
  json["unlabelled"] = classes.unlabelled;
  json["passed_over"] = passed_over.kinds();
  json["remarks"] = remarks;
}

std::string InputsReport::text() const {
  std::string text = classes.text() + "\n" + passed_over.text();
  if (text.back() != '\n') text += "\n";
  for (const auto& [remark, count] : remarks) {
    text += text_of(count, count == 1 ? " image" : " images", " ", remark, "\n");
  }
  return text;
}

void log_notes(const data::OpenedImages& opened, const cli::CommonOptions& common) {
  for (const std::string& note : opened.notes) cli::log(common.quiet, note);
}

}  // namespace dcgan::tools
