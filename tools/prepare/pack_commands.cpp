#include "data/open_images.h"
#include "data/rendered_set.h"
#include "data/svhn_mat.h"
#include "tools/cli/command_line.h"
#include "tools/prepare/commands.h"
#include "tools/prepare/packing.h"
#include "tools/shared/inputs_report.h"

namespace dcgan::prepare_tool {
namespace {

int files(cli::CommandLine& line, const std::string& summary, int64_t size) {
  std::vector<std::string> inputs;
  data::InputOptions input;
  data::DecodeOptions decode;
  data::ResizeOptions resize;
  resize.size = size;
  cli::Output output;
  line.about(summary, "photos/ -o photos.h5");
  line.without({"device"});
  line.positional(inputs, "IMAGES",
                  "files, folders (with all their folders), .tar and .zip archives, one LMDB or one packed file");
  line.add("Input", input);
  line.output_to_resume(output, "packed file to make");
  line.add("Resize", resize);
  line.add("Decoding", decode);
  if (!line.parse()) return 0;
  const data::OpenedImages images = data::open_images(inputs, input, decode);
  tools::log_notes(images, line.common());
  return pack(*images.source, {data::resize_preparation(resize), output, images.passed_over}, line);
}

}  // namespace

int folder_command(cli::CommandLine& line) { return files(line, "Packs image files and folders of any sizes.", 32); }

int imagenet32_command(cli::CommandLine& line) {
  return files(line,
               "Packs ImageNet at 32x32 as its authors did: shorter side to 32, then the centre; labels are the class "
               "folders.",
               32);
}

int lsun_command(cli::CommandLine& line) {
  return files(
      line,
      "Packs a category of LSUN: the images of its LMDB (bedroom_train_lmdb/), read where they lie, in order of "
      "their keys.",
      64);
}

int cifar10_command(cli::CommandLine& line) {
  std::string folder;
  data::CifarSplit split = data::CifarSplit::kTrain;
  cli::Output output;
  line.about("Packs a split of CIFAR-10.", "--data cifar-10-batches-bin -o cifar10-test.h5 --split test");
  line.without({"device"});
  line.add("Input", folder, "data", "folder with the official binary batches, or with train/CLASS/ and test/CLASS/");
  line.add("Input", split, "split", "train (50,000 images) or test (10,000)");
  line.output_to_resume(output, "packed file to make");
  line.require(folder, "--data", "the folder of CIFAR-10");
  if (!line.parse()) return 0;
  return pack(*data::open_cifar10(folder, split), {data::resize_preparation({}), output}, line);
}

int svhn_command(cli::CommandLine& line) {
  std::string folder;
  data::SvhnSplit split = data::SvhnSplit::kTrain;
  cli::Output output;
  line.about("Packs a split of SVHN's cropped digits.", "--data svhn/ -o svhn-test.h5 --split test");
  line.without({"device"});
  line.add("Input", folder, "data", "folder with train_32x32.mat, test_32x32.mat or extra_32x32.mat");
  line.add("Input", split, "split", "train (73,257 images), test (26,032) or extra (531,131)");
  line.output_to_resume(output, "packed file to make");
  line.require(folder, "--data", "the folder of SVHN");
  if (!line.parse()) return 0;
  return pack(*data::open_svhn_mat(folder, split), {data::resize_preparation({}), output}, line);
}

int render_command(cli::CommandLine& line) {
  data::RenderOptions options;
  cli::Output output;
  line.about("Draws the built-in labelled set: digits in many fonts, colours and places.",
             "--count 4000 --split train -o train.h5");
  line.without({"device"});
  line.add("Drawing", options);
  line.output_to_resume(output, "packed file to make");
  if (!line.parse()) return 0;
  return pack(data::RenderedSet(options, line.common().seed), {data::resize_preparation({}), output}, line);
}

}  // namespace dcgan::prepare_tool
