#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "dcgan/images.h"
#include "eval/confusion.h"
#include "tools/eval/labelled_rows.h"

namespace dcgan::eval_tool {

/// What is told of a machine beside its accuracy.
struct DetailOptions {
  bool details = false;
  std::string html;
  std::string mistakes;
  std::string test_images;

  bool wanted() const { return details || !html.empty() || !mistakes.empty(); }
};

template <class Visitor>
void describe(DetailOptions& o, Visitor&& f) {
  f(o.details, "details",
    "which classes are taken for which, precision and recall of each, the most confident mistakes");
}

/// @throws OptionError or FileError before anything is computed
void check(const DetailOptions& options, bool overwrite);

/// The packed images that the test rows are, or were extracted from; empty where they are not needed.
/// @throws OptionError or FileError where they are needed and not there
std::string image_file(const LabelledRows& test, const DetailOptions& options);

/// How a machine does on the test rows, or several machines do together.
struct Details {
  std::string title;
  double accuracy = 0;  ///< mean over the machines
  int64_t machines = 1;
  std::vector<std::string> classes;  ///< [K]
  std::vector<std::string> paths;    ///< [N], or empty
  eval::Confusion confusion;
  std::vector<eval::Mistake> mistakes;  ///< the most confident ones
  std::optional<ImageBatch> pictures;   ///< of the mistakes, where they are at hand
};

/// The images of the mistakes; none where there is no mistake or no file.
/// @param packed_file  of image_file()
std::optional<ImageBatch> pictures_of(const std::vector<eval::Mistake>& mistakes, const std::string& packed_file);

void add_details(const Details& details, nlohmann::ordered_json& report);
std::string details_text(const Details& details);
/// Writes the files that were asked for, with a section for each; the sheet is of the first that has mistakes.
/// @param title  of the page
void write_files(const std::string& title, const std::vector<Details>& sections, const DetailOptions& options);

}  // namespace dcgan::eval_tool
