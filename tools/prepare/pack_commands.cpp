// dcgan-prepare: makes packed image files, and looks into them.

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "data/open_images.h"
#include "data/packed_contents.h"
#include "data/rendered_set.h"
#include "data/svhn_mat.h"
#include "dcgan/packed_images.h"
#include "dcgan/png_file.h"
#include "tools/cli/command_line.h"
#include "tools/cli/progress.h"
#include "tools/prepare/dedup_command.h"
#include "tools/prepare/download_command.h"
#include "tools/prepare/faces_command.h"
#include "tools/prepare/packing.h"

namespace {

using namespace dcgan;
using nlohmann::ordered_json;
using tools::OutputOptions;
using tools::pack;
using tools::require_given;

int files(int argc, const char* const* argv, const std::string& summary, int64_t size) {
  std::vector<std::string> inputs;
  data::InputOptions input;
  data::DecodeOptions decode;
  data::ResizeOptions resize;
  resize.size = size;
  OutputOptions output;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], summary, std::string(argv[0]) + " photos/ -o photos.h5");
  line.positional(inputs, "IMAGES",
                  "files, folders (with all their folders), one .tar archive, one LMDB or one packed file");
  line.add("Input", input);
  line.add("Output", output);
  line.add("Resize", resize);
  line.add("Decoding", decode);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  const data::OpenedImages images = data::open_images(inputs, input, decode);
  for (const std::string& note : images.notes) cli::log(common.quiet, note);
  return pack(*images.source, {data::resize_preparation(resize), output}, common, line);
}

int cifar10(int argc, const char* const* argv) {
  std::string folder;
  data::Split split = data::Split::kTrain;
  OutputOptions output;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "Packs a split of CIFAR-10.",
                        std::string(argv[0]) + " --data cifar-10-batches-bin -o cifar10-test.h5 --split test");
  line.add("Input", folder, "data", "folder with the official binary batches, or with train/CLASS/ and test/CLASS/");
  line.add("Input", split, "split", "train (50,000 images) or test (10,000)");
  line.add("Output", output);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  require_given(folder, "--data", "the folder of CIFAR-10");
  return pack(*data::open_cifar10(folder, split), {data::resize_preparation({}), output}, common, line);
}

int svhn(int argc, const char* const* argv) {
  std::string folder;
  data::SvhnSplit split = data::SvhnSplit::kTrain;
  OutputOptions output;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "Packs a split of SVHN's cropped digits.",
                        std::string(argv[0]) + " --data svhn/ -o svhn-test.h5 --split test");
  line.add("Input", folder, "data", "folder with train_32x32.mat, test_32x32.mat or extra_32x32.mat");
  line.add("Input", split, "split", "train (73,257 images), test (26,032) or extra (531,131)");
  line.add("Output", output);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  require_given(folder, "--data", "the folder of SVHN");
  return pack(*data::open_svhn_mat(folder, split), {data::resize_preparation({}), output}, common, line);
}

int render(int argc, const char* const* argv) {
  data::RenderOptions options;
  OutputOptions output;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "Draws the built-in labelled set: digits in many fonts, colours and places.",
                        std::string(argv[0]) + " --count 4000 --split train -o train.h5");
  line.add("Drawing", options);
  line.add("Output", output);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  return pack(data::RenderedSet(options, common.seed), {data::resize_preparation({}), output}, common, line);
}

std::string one_file(const std::vector<std::string>& files) {
  if (files.size() != 1)
    throw OptionError("expected one packed file, " + std::to_string(files.size()) + " were named.");
  return files.front();
}

int info(int argc, const char* const* argv) {
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

int sheet(int argc, const char* const* argv) {
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

}  // namespace

int main(int argc, char** argv) {
  const auto folder = [](const char* summary, int64_t size = 32) {
    return [summary, size](int count, const char* const* values) { return files(count, values, summary, size); };
  };
  return cli::run_program(
      argc, argv, "Makes packed image files (HDF5, uint8) for training and extraction.",
      {{"folder", "image files and folders of any sizes", folder("Packs image files and folders of any sizes.")},
       {"imagenet32", "ImageNet at 32x32: class folders, shorter side to 32, centre",
        folder("Packs ImageNet at 32x32 as its authors did: shorter side to 32, then the centre; labels are the class "
               "folders.")},
       {"lsun", "LSUN at 64x64: the LMDB of a category",
        folder(
            "Packs a category of LSUN: the images of its LMDB (bedroom_train_lmdb/), read where they lie, in order of "
            "their keys.",
            64)},
       {"faces", "faces found in photographs, cut out", tools::faces_command},
       {"cifar10", "a split of CIFAR-10, from binary batches or class folders", cifar10},
       {"svhn", "a split of SVHN's cropped digits, from the official .mat files", svhn},
       {"render", "draws the built-in labelled set", render},
       {"dedup", "a packed file without near-duplicates", tools::dedup_command},
       {"download", "fetches CIFAR-10, SVHN or LSUN's bedrooms", tools::download_command},
       {"info", "says what a packed file holds", info},
       {"sheet", "draws images of a packed file into one PNG", sheet}});
}
