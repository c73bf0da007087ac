#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "data/packed_contents.h"
#include "dcgan/packed_images.h"
#include "dcgan/png_file.h"
#include "tools/cli/command_line.h"
#include "tools/prepare/commands.h"
#include "tools/prepare/packing.h"

namespace dcgan::prepare_tool {
namespace {

using nlohmann::ordered_json;

std::string one_file(const std::vector<std::string>& files) {
  if (files.size() != 1)
    throw OptionError("expected one packed file, " + std::to_string(files.size()) + " were named.");
  return files.front();
}

struct SheetOptions {
  int64_t first = 0;
  int64_t rows = 8;
  int64_t columns = 16;
};

template <class Visitor>
void describe(SheetOptions& o, Visitor&& f) {
  f(o.first, "first", "number of the first image, from 0");
  f(o.rows, "rows", "rows of images");
  f(o.columns, "columns", "images in a row");
}

}  // namespace

int info_command(int argc, const char* const* argv) {
  std::vector<std::string> names;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "Says what a packed image file holds.", std::string(argv[0]) + " photos.h5");
  line.positional(names, "FILE", "packed image file");
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  const PackedImageReader images(one_file(names));
  const ordered_json content = {{"file", images.path()},
                                {"images", images.count()},
                                {"height", images.info().height},
                                {"width", images.info().width},
                                {"classes", images.info().classes},
                                {"class_counts", data::class_counts(images)},
                                {"failures", images.failures().size()},
                                {"preparation", ordered_json::parse(images.info().preparation)},
                                {"command_line", images.info().command_line},
                                {"pixels_sha256", data::pixel_checksum(images)}};
  if (common.json) {
    std::cout << content << "\n";
  } else {
    for (const auto& [name, value] : content.items()) std::cout << name << ": " << value << "\n";
  }
  return 0;
}

int sheet_command(int argc, const char* const* argv) {
  std::vector<std::string> names;
  SheetOptions options;
  std::string output;
  bool overwrite = false;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "Draws images of a packed file into one PNG.",
                        std::string(argv[0]) + " photos.h5 -o photos.png");
  line.positional(names, "FILE", "packed image file");
  line.add("Sheet", options);
  line.add("Output", output, "output,o", "PNG to make");
  line.add("Output", overwrite, "overwrite", "replace a file that exists");
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  require_given(output, "-o", "the PNG to make");
  const PackedImageReader images(one_file(names));
  if (options.rows < 1 || options.columns < 1) throw OptionError("--rows and --columns must be positive.");
  if (options.first < 0 || options.first >= images.count()) {
    throw OptionError("--first is " + std::to_string(options.first) + "; " + images.path() + " has images 0 to " +
                      std::to_string(images.count() - 1) + ".");
  }
  if (!overwrite && std::filesystem::exists(output)) {
    throw FileError(output, "exists; --overwrite replaces it.");
  }
  write_png_grid(output, data::read_images(images, options.first, options.rows * options.columns), options.columns);
  return 0;
}

}  // namespace dcgan::prepare_tool
