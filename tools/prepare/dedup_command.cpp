#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "data/duplicates.h"
#include "data/image_pipeline.h"
#include "data/packed_contents.h"
#include "data/packed_source.h"
#include "data/selected_source.h"
#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "dcgan/png_file.h"
#include "dcgan/seeds.h"
#include "dcgan/train_library.h"
#include "tools/cli/options_json.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/prepare/commands.h"
#include "tools/prepare/packing.h"

namespace dcgan::prepare_tool {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct DuplicateOptions {
  int64_t unsure_bits = 8;
  std::string sheet;
  std::string list;
};

template <class Visitor>
void describe(DuplicateOptions& o, Visitor&& f) {
  f(o.unsure_bits, "unsure-bits",
    "bits nearest to their threshold that may differ in a duplicate's code; 0: equal codes only, as in the paper");
}

/// The images that stay, and for each that has duplicates these; numbers of the input file, ascending.
struct Duplicates {
  std::vector<int64_t> kept;
  std::map<int64_t, std::vector<int64_t>> groups;
  int64_t removed = 0;
};

// Images of a data set at 32x32, block by block.
template <class Use>
void for_each_block(const data::ImageSource& source, int64_t threads, const Use& use) {
  constexpr int64_t kBlock = 1024;
  data::ImagePipeline pipeline(source, {kHashSide, data::ResizeFilter::kArea}, {threads, kBlock});
  for (data::DecodedBlock block; pipeline.next(block);) {
    cli::stop_if_interrupted();
    use(block);
  }
}

TrainLibrary::ImageCodes train(const TrainLibrary& library, const data::ImageSource& source, const HashOptions& options,
                               const cli::CommonOptions& common) {
  std::vector<int64_t> sample = shuffled_indices(source.count(), derive_seed(common.seed, "hash sample"));
  sample.resize(std::min(options.train_images, source.count()));
  std::sort(sample.begin(), sample.end());
  SemanticHash::Training training;
  training.options = options;
  training.seed = common.seed;
  training.threads = common.threads;
  training.device = common.device;
  training.should_stop = cli::interrupted;
  training.on_epoch = [&](int64_t epoch, double loss) {
    cli::log(common.quiet,
             text_of("autoencoder: epoch ", epoch, " of ", options.epochs, ", mean squared error ", loss));
  };
  std::vector<uint8_t> pixels;
  for_each_block(data::SelectedSource(source, std::move(sample)), training.threads,
                 [&](const data::DecodedBlock& block) {
                   pixels.insert(pixels.end(), block.images.pixels.begin(), block.images.pixels.end());
                 });
  return library.semantic_hash(pixels, training);
}

Duplicates find(const data::ImageSource& source, const TrainLibrary::ImageCodes& codes, data::DuplicateFinder finder,
                const cli::CommonOptions& common) {
  Duplicates duplicates;
  cli::Progress progress("image", source.count(), common);
  int64_t image = 0;
  for_each_block(source, common.threads, [&](const data::DecodedBlock& block) {
    for (const ImageCode& code : codes(block.images.pixels)) {
      const int64_t original = finder.add(code);
      if (original < 0) {
        duplicates.kept.push_back(image);
      } else {
        duplicates.groups[original].push_back(image);
        ++duplicates.removed;
      }
      ++image;
    }
    progress.update(image);
  });
  return duplicates;
}

// At most 40 groups, spread evenly over all of them.
void write_sheet(const std::string& path, const Duplicates& duplicates, const PackedImageReader& images) {
  constexpr size_t kRows = 40;
  constexpr size_t kColumns = 8;
  ImageBatch sheet;
  sheet.height = images.info().height;
  sheet.width = images.info().width;
  const auto size = static_cast<size_t>(sheet.height * sheet.width * 3);
  size_t columns = 1;
  for (const auto& [original, copies] : duplicates.groups) columns = std::max(columns, 1 + copies.size());
  columns = std::min(columns, kColumns);
  const size_t rows = std::min(kRows, duplicates.groups.size());
  auto group = duplicates.groups.begin();
  for (size_t row = 0; row < rows; ++row) {
    const size_t number = row * duplicates.groups.size() / rows;
    std::advance(group, number - static_cast<size_t>(std::distance(duplicates.groups.begin(), group)));
    std::vector<int64_t> members = {group->first};
    members.insert(members.end(), group->second.begin(), group->second.end());
    for (size_t column = 0; column < columns; ++column) {
      std::vector<uint8_t> pixels(size, 255);
      if (column < members.size()) images.read(members[column], 1, pixels.data());
      sheet.pixels.insert(sheet.pixels.end(), pixels.begin(), pixels.end());
      sheet.paths.emplace_back();
    }
  }
  write_png_grid(path, sheet, static_cast<int64_t>(columns));
}

void write_list(const std::string& path, const Duplicates& duplicates, const PackedImageReader& images) {
  std::string text;
  for (const auto& [original, copies] : duplicates.groups) {
    for (const int64_t copy : copies) {
      text += images.paths()[original] + '\t' + images.paths()[copy] + '\n';
    }
  }
  write_text_file(path, text);
}

}  // namespace

int dedup_command(cli::CommandLine& line) {
  std::string file;
  HashOptions hash_options;
  DuplicateOptions options;
  cli::Output output;
  line.about(
      "Packs the images of a packed file again, without near-duplicates: the paper's de-noising "
      "autoencoder 3072-128-3072 is trained on the images at 32x32, and of images with equal codes "
      "(which of the 128 units are active) the first in the file stays.",
      "lsun.h5 -o lsun-unique.h5 --sheet groups.png");
  line.one(file, "FILE", "packed image file");
  line.output_to_resume(output, "packed file to make");
  line.add("Duplicates", options);
  line.add_output("Duplicates", options.sheet, "sheet",
                  "PNG to make of some groups: in each row the image that stays, then its duplicates");
  line.add_output("Duplicates", options.list, "list",
                  "text file to make: a line for each duplicate, with the image that stays, a tab, and its name");
  line.add("Autoencoder", hash_options);
  if (!line.parse()) return 0;
  check(hash_options);
  if (is_complete(output)) return 0;
  const TrainLibrary& library = train_library("dcgan-prepare dedup");
  // A run that goes on makes list and sheet again, the same ones.
  for (const std::string& path : {options.sheet, options.list}) {
    if (!path.empty()) cli::require_free(path, output.overwrite || output.resume);
  }
  line.require_apart();
  const data::PackedSource source{PackedImageReader(file)};
  const PackedImageReader& images = source.reader();
  if (images.info().height != images.info().width) {
    throw FileError(images.path(), "its images are not square; pack them again with dcgan-prepare folder.");
  }
  data::DuplicateFinder finder(options.unsure_bits, source.count());
  const Duplicates duplicates =
      find(source, train(library, source, hash_options, line.common()), std::move(finder), line.common());
  if (!options.sheet.empty() && !duplicates.groups.empty()) write_sheet(options.sheet, duplicates, images);
  if (!options.list.empty()) write_list(options.list, duplicates, images);

  data::Preparation preparation = data::resize_preparation({images.info().height});  // as it is
  ordered_json made = {{"kept", "the first in the file"}, {"unsure_bits", options.unsure_bits}};
  cli::to_json(hash_options, made);
  preparation.description = ordered_json({{"duplicates_removed", made}}).dump();
  const ordered_json found = {{"duplicates", duplicates.removed}, {"groups", duplicates.groups.size()}};
  return pack(data::SelectedSource(source, duplicates.kept), {preparation, output, {}, found}, line);
}

}  // namespace dcgan::prepare_tool
