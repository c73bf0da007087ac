#include "data/faces.h"
#include "data/open_images.h"
#include "data/rendered_set.h"
#include "data/svhn_mat.h"
#include "dcgan/boxes.h"
#include "dcgan/output_files.h"
#include "tools/cli/command_line.h"
#include "tools/prepare/commands.h"
#include "tools/prepare/packing.h"
#include "tools/shared/inputs_report.h"

namespace dcgan::prepare_tool {
namespace {

// Packs image files by what `preparation_of` makes of the options.
template <class Options>
int pack_files(cli::CommandLine& line, const std::string& group, Options options,
               data::Preparation (*preparation_of)(const Options&)) {
  std::vector<std::string> inputs;
  data::InputOptions input;
  data::DecodeOptions decode;
  cli::Output output;
  line.without({"device"});
  line.positional(inputs, "IMAGES",
                  "files, folders (with all their folders), .tar and .zip archives, one LMDB or one packed file");
  line.add("Input", input);
  line.output_to_resume(output, "packed file to make");
  line.add(group, options);
  line.add("Decoding", decode);
  if (!line.parse()) return 0;
  line.require_apart();
  const data::Preparation preparation = preparation_of(options);
  const data::OpenedImages images = data::open_images(inputs, input, decode);
  tools::log_notes(images, line.common());
  return pack(*images.source, {preparation, output, images.passed_over}, line);
}

int pack_resized(cli::CommandLine& line, const std::string& summary, int64_t size) {
  line.about(summary, "photos/ -o photos.h5");
  return pack_files(line, "Resize", data::ResizeOptions{size}, data::resize_preparation);
}

struct SplitHelp {
  const char *data, *split, *required;
};

// Packs a split of a data set with splits, as it is.
template <class Split>
int pack_split(cli::CommandLine& line, const SplitHelp& help,
               std::unique_ptr<data::ImageSource> (*open)(const std::string& folder, Split split)) {
  std::string folder;
  Split split = Split::kTrain;
  cli::Output output;
  line.without({"device"});
  line.add("Input", folder, "data", help.data);
  line.add("Input", split, "split", help.split);
  line.output_to_resume(output, "packed file to make");
  line.require(folder, "--data", help.required);
  if (!line.parse()) return 0;
  return pack(*open(folder, split), {data::resize_preparation({}), output}, line);
}

}  // namespace

int folder_command(cli::CommandLine& line) {
  return pack_resized(line, "Packs image files and folders of any sizes.", 32);
}

int imagenet32_command(cli::CommandLine& line) {
  return pack_resized(line,
                      "Packs ImageNet at 32x32 as its authors did: shorter side to 32, then the centre; labels are the "
                      "class folders.",
                      32);
}

int lsun_command(cli::CommandLine& line) {
  return pack_resized(
      line,
      "Packs a category of LSUN: the images of its LMDB (bedroom_train_lmdb/), read where they lie, in order of "
      "their keys.",
      64);
}

int faces_command(cli::CommandLine& line) {
  line.about(
      "Packs the faces in photographs: found by OpenCV, every box resized to --box, and the central "
      "--size cut out of it, as the paper's authors did. A photograph without a face gives no image.",
      "photos/ -o faces.h5 --min-face 80");
  return pack_files(line, "Faces", data::FaceOptions(), data::face_preparation);
}

int cifar10_command(cli::CommandLine& line) {
  line.about("Packs a split of CIFAR-10.", "--data cifar-10-batches-bin -o cifar10-test.h5 --split test");
  return pack_split<data::CifarSplit>(line,
                                      {"folder with the official binary batches, or with train/CLASS/ and test/CLASS/",
                                       "train (50,000 images) or test (10,000)", "the folder of CIFAR-10"},
                                      data::open_cifar10);
}

int svhn_command(cli::CommandLine& line) {
  line.about("Packs a split of SVHN's cropped digits.", "--data svhn/ -o svhn-test.h5 --split test");
  return pack_split<data::SvhnSplit>(line,
                                     {"folder with train_32x32.mat, test_32x32.mat or extra_32x32.mat",
                                      "train (73,257 images), test (26,032) or extra (531,131)", "the folder of SVHN"},
                                     data::open_svhn_mat);
}

int render_command(cli::CommandLine& line) {
  data::RenderOptions options;
  std::string boxes;
  cli::Output output;
  line.about("Draws the built-in labelled set: digits in many fonts, colours and places.",
             "--count 4000 --split train -o train.h5");
  line.without({"device"});
  line.add("Drawing", options);
  line.add_output("Drawing", boxes, "plant",
                  "CSV file that gets boxes: each image has a magenta patch of 8x8 pixels somewhere, for dcgan-explore "
                  "drop to forget");
  line.output_to_resume(output, "packed file to make");
  if (!line.parse()) return 0;
  options.plant = !boxes.empty();
  const uint64_t seed = line.common().seed;
  const data::RenderedSet set(options, seed);
  if (options.plant && !output.resume) cli::require_free(boxes, output.overwrite);
  const int code = pack(set, {data::resize_preparation({}), output}, line);
  if (options.plant) {
    std::vector<Box> planted;
    for (int64_t i = 0; i < set.count(); ++i) planted.push_back(data::planted_box(seed, options.split, i));
    cli::make_folder_of(boxes);
    write_text_file(boxes, boxes_csv(planted));
  }
  return code;
}

}  // namespace dcgan::prepare_tool
