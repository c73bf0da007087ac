#include <nlohmann/json.hpp>

#include "data/packed_contents.h"
#include "dcgan/packed_images.h"
#include "dcgan/png_file.h"
#include "dcgan/text.h"
#include "tools/cli/command_line.h"
#include "tools/prepare/commands.h"

namespace dcgan::prepare_tool {
namespace {

using nlohmann::ordered_json;

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

int info_command(cli::CommandLine& line) {
  std::string file;
  line.about("Says what a packed image file holds.", "photos.h5");
  line.without({"threads", "device", "seed", "progress-every"});
  line.one(file, "FILE", "packed image file");
  if (!line.parse()) return 0;
  const PackedImageReader images(file);
  const data::ClassCounts counts = data::class_counts(images);
  const ordered_json content = {{"file", images.path()},
                                {"images", images.count()},
                                {"height", images.info().height},
                                {"width", images.info().width},
                                {"classes", images.info().classes},
                                {"class_counts", counts.counts},
                                {"unlabelled", counts.unlabelled},
                                {"failures", images.failures().size()},
                                {"warnings", images.warnings().size()},
                                {"preparation", ordered_json::parse(images.info().preparation)},
                                {"command_line", images.info().command_line},
                                {"pixels_sha256", data::pixel_checksum(images)}};
  cli::print_result(line.common(), content, cli::lines_of(content));
  return 0;
}

int sheet_command(cli::CommandLine& line) {
  std::string file;
  SheetOptions options;
  cli::Output output;
  line.about("Draws images of a packed file into one PNG.", "photos.h5 -o photos.png");
  line.without({"threads", "device", "seed", "progress-every"});
  line.one(file, "FILE", "packed image file");
  line.add("Sheet", options);
  line.output(output, "PNG to make");
  if (!line.parse()) return 0;
  output.require_free();
  line.require_apart();
  const PackedImageReader images(file);
  if (options.rows < 1 || options.columns < 1) throw OptionError("--rows and --columns must be positive.");
  if (options.first < 0 || options.first >= images.count()) {
    throw OptionError("--first is ", options.first, "; ", images.path(), " has images 0 to ", images.count() - 1, ".");
  }
  write_png_grid(output.path, data::read_images(images, options.first, options.rows * options.columns),
                 options.columns);
  return 0;
}

}  // namespace dcgan::prepare_tool
