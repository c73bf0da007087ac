// Writes small good files of every kind, for the fuzzers to start from: fuzz_seeds FOLDER
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "dcgan/errors.h"
#include "dcgan/feature_file.h"
#include "dcgan/model_file.h"
#include "dcgan/packed_images.h"
#include "tests/data/example_tar.h"
#include "tests/store/example_features.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  for (const char* kind : {"safetensors", "features", "images", "npy", "released", "tar_archive"})
    std::filesystem::create_directories(folder / kind);
  try {
    dcgan::test::run_example(folder / "features/a.h5", 12);
    dcgan::PackedImagesInfo info;
    info.height = 2;
    info.width = 2;
    info.classes = {"a"};
    dcgan::PackedImageWriter images(folder / "images/a.h5", info, dcgan::OutputMode::kOverwrite);
    images.append({2, 2, std::vector<uint8_t>(24, 7), {"a/1", "a/2"}, {0, 0}});
    images.close();
    dcgan::ModelFile model;
    model.architecture = {8, 1, 1, 1, 1, 1, dcgan::Latent::kUniform};
    model.convolutions = 1;
    model.has_generator = false;
    model.tensors["discriminator.conv1.weight"] = dcgan::make_tensor({1, 3, 1, 1}, {1, 2, 3});
    model.tensors["discriminator.head.weight"] = dcgan::make_tensor({1, 16}, std::vector<float>(16, 1));
    dcgan::save_model(folder / "safetensors/a", model);
    const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    std::ofstream(folder / "npy/a") << "\x93NUMPY\x01" << '\0' << static_cast<char>(header.size()) << '\0' << header
                                    << "12345678";
    // ndf 2, two convolutions; see fuzz_released.cpp.
    std::ofstream(folder / "released/a") << std::string(
        "\x02\x03\x03\x03\x04\x02\x03\x03\x04\0\0\0\x04\0\0\0\x40\x01\0\0", 20);
    std::ofstream(folder / "tar_archive/a") << dcgan::test::example_tar();
  } catch (const dcgan::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
