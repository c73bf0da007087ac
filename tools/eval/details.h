#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "eval/confusion.h"
#include "tools/eval/labelled_rows.h"

namespace dcgan::eval_tool {

/// What is told of a machine beside its accuracy.
struct DetailOptions {
  bool details = false;
  std::string html;
  std::string mistakes;
  std::string test_images;
};

template <class Visitor>
void describe(DetailOptions& o, Visitor&& f) {
  f(o.details, "details",
    "which classes are taken for which, precision and recall of each, the most confident mistakes");
  f(o.test_images, "test-images", "packed images that --test was extracted from, to show the mistakes");
}

/// @throws OptionError or FileError before anything is computed
void check(const DetailOptions& options, bool overwrite);

/// The packed images that the test rows are, or were extracted from; empty where they are not needed.
/// @throws OptionError or FileError where they are needed and not there
std::string image_file(const LabelledRows& test, const DetailOptions& options);

/// How a machine does on each test row.
struct Details {
  std::string title;
  double accuracy = 0;
  std::vector<std::string> classes;  ///< [K]
  std::vector<std::string> paths;    ///< [N], or empty
  eval::Confusion confusion;
  std::vector<eval::Mistake> mistakes;  ///< the most confident ones
};

void add_details(const Details& details, nlohmann::ordered_json& report);
std::string details_text(const Details& details);
/// Writes the files that were asked for; no sheet where there is no mistake.
void write_files(const Details& details, const LabelledRows& test, const DetailOptions& options);

}  // namespace dcgan::eval_tool
