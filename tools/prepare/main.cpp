// dcgan-prepare: makes packed image files, and looks into them.

#include "tools/cli/program.h"
#include "tools/prepare/commands.h"

int main(int argc, char** argv) {
  using namespace dcgan::prepare_tool;
  return dcgan::cli::run_program(
      argc, argv,
      {"Makes packed image files (HDF5, uint8) for training and extraction.",
       {{"folder", "image files and folders of any sizes", folder_command},
        {"imagenet32", "ImageNet at 32x32: class folders, shorter side to 32, centre", imagenet32_command},
        {"lsun", "LSUN at 64x64: the LMDB of a category", lsun_command},
        {"faces", "faces found in photographs, cut out", faces_command},
        {"cifar10", "a split of CIFAR-10, from binary batches or class folders", cifar10_command},
        {"svhn", "a split of SVHN's cropped digits, from the official .mat files", svhn_command},
        {"render", "draws the built-in labelled set", render_command},
        {"dedup", "a packed file without near-duplicates", dedup_command},
        {"download", "fetches CIFAR-10, SVHN or LSUN's bedrooms", download_command},
        {"info", "says what a packed file holds", info_command},
        {"sheet", "draws images of a packed file into one PNG", sheet_command}},
       nullptr});
}
