#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dcgan/array_file.h"
#include "dcgan/images.h"
#include "tools/cli/command_line.h"

namespace dcgan::explore_tool {

/// Where a subcommand leaves what it found.
struct ResultOptions {
  std::string out;
  bool html = false;
  bool overwrite = false;
};

template <class Visitor>
void describe(ResultOptions& o, Visitor&& f) {
  f(o.out, "out", "folder that gets the pictures and the numbers; made if it is not there");
  f(o.html, "html", "also one page with the pictures in it, which needs no other file");
  f(o.overwrite, "overwrite", "replace existing outputs");
}

/// The files of one run of one subcommand: pictures, arrays, COMMAND.json with the numbers and, with --html,
/// COMMAND.html. The same run gives the same bytes.
class Results {
 public:
  /// @param files  that will be written beside COMMAND.json
  /// @throws FileError where one of them exists and is not to be replaced
  Results(const cli::CommandLine& line, const ResultOptions& options, const std::vector<std::string>& files);

  /// A grid of images. @param caption  for the page
  void picture(const std::string& file, const std::string& caption, const ImageBatch& images, int64_t columns);
  /// Images one after the other, as animated WebP. @param milliseconds  that each is shown
  void animation(const std::string& file, const std::string& caption, const ImageBatch& images, int64_t milliseconds);
  void arrays(const std::string& file, const ArrayFile& content);
  void noise(const std::string& file, const NamedNoise& noise);
  /// Text that stands above the pictures of the page and below the result on stdout.
  void note(const std::string& text) { notes_.push_back(text); }
  /// Writes the numbers and the page, and prints the result.
  void finish(const std::string& text);

  nlohmann::ordered_json facts;  ///< what COMMAND.json says, beside the names of the files

 private:
  std::string path(const std::string& file) const;
  void add_to_page(const std::string& file, const std::string& type, const std::string& caption);

  const cli::CommandLine& line_;
  ResultOptions options_;
  std::string command_;
  std::vector<std::string> files_, notes_;
  std::string page_;
};

}  // namespace dcgan::explore_tool
