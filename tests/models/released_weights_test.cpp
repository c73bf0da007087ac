#include "dcgan/released_weights.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "dcgan/errors.h"
#include "dcgan/npy_file.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// A copy of the small network in the authors' format (golden/make_released.py): 17 + 19 arrays, ndf 2, ngf 3, nz 5.
class ReleasedWeights : public ::testing::Test {
 protected:
  ReleasedWeights() { fs::copy(DCGAN_SOURCE_DIR "/tests/golden/released/imagenet32-like", folder_); }

  std::string file(const std::string& network, const std::string& number) const {
    return folder_ + "/7_" + network + "_params.jl_" + number + ".npy";
  }
  /// Another array in the place of one, of this shape.
  void replace(const std::string& network, const std::string& number, const std::vector<int64_t>& shape) const {
    std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    size_t count = 1;
    for (const int64_t size : shape) {
      text += std::to_string(size) + ",";
      count *= static_cast<size_t>(size);
    }
    text += ")}";
    std::ofstream out(file(network, number), std::ios::binary);
    out << "\x93NUMPY\x01" << '\0' << static_cast<char>(text.size()) << '\0' << text
        << std::string(count * sizeof(float), '\0');
  }
  std::string refusal(bool partial = false) const {
    try {
      read_released_weights(folder_, partial);
    } catch (const FileError& error) {
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder place_;
  std::string folder_ = place_ / "net";
};

TEST_F(ReleasedWeights, WidthsAndDepthComeFromTheShapes) {
  const ModelFile model = read_released_weights(folder_, false);
  EXPECT_EQ(to_json(model.architecture),
            R"({"image-size":32,"kernel":3,"convs-per-scale":2,"ndf":2,"ngf":3,"nz":5,"latent":"uniform"})");
  EXPECT_EQ(model.convolutions, 6);
  EXPECT_TRUE(model.has_generator);
  const ModelFile svhn = read_released_weights(DCGAN_SOURCE_DIR "/tests/golden/released/svhn-like", false);
  EXPECT_EQ(to_json(svhn.architecture),
            R"({"image-size":32,"kernel":5,"convs-per-scale":1,"ndf":4,"ngf":3,"nz":6,"latent":"normal"})");
  const std::string path = place_ / "m.safetensors";
  save_model(path, model);
  EXPECT_EQ(load_model(path).tensors.size(), model.tensors.size());
}

TEST_F(ReleasedWeights, KernelsAreRotatedAndDenseLayersTransposed) {
  const ModelFile model = read_released_weights(folder_, false);
  const std::vector<float> kernel = read_npy(file("discrim", "05")).values;
  const std::vector<float> turned = model.tensors.at("discriminator.conv3.weight").to_floats();
  ASSERT_EQ(turned.size(), kernel.size());
  for (size_t i = 0; i < kernel.size(); ++i) EXPECT_EQ(turned[i], kernel[i / 9 * 9 + 8 - i % 9]);
  const NpyArray dense = read_npy(file("gen", "01"));
  const std::vector<float> project = model.tensors.at("generator.project.weight").to_floats();
  const auto units = static_cast<size_t>(dense.shape[1]);
  for (size_t i = 0; i < project.size(); ++i) EXPECT_EQ(project[i], dense.values[i % 5 * units + i / 5]);
}

TEST_F(ReleasedWeights, AMissingArrayIsNamedWithWhatToDo) {
  for (const char* name : {"discrim_params.jl_08", "discrim_params.jl_13", "gen_params.jl_01", "gen_params.jl_12"}) {
    const std::string path = folder_ + "/7_" + name + ".npy";
    fs::rename(path, place_ / "away");
    EXPECT_THAT(refusal(), AllOf(HasSubstr(path + ": is missing"), HasSubstr("--partial")));
    fs::rename(place_ / "away", path);
  }
  EXPECT_EQ(refusal(), "accepted");
}

TEST_F(ReleasedWeights, PartialKeepsTheConvolutionsBelowTheFirstThatLacksAnArray) {
  fs::remove(file("discrim", "13"));  // batch norm of the fifth
  fs::remove(file("gen", "10"));
  const ModelFile model = read_released_weights(folder_, true);
  EXPECT_EQ(model.convolutions, 4);
  EXPECT_FALSE(model.has_generator);
  EXPECT_EQ(model.architecture.convs_per_scale, 2);
  save_model(place_ / "m.safetensors", model);
  EXPECT_EQ(load_model(place_ / "m.safetensors").convolutions, 4);

  for (int number = 1; number <= 19; ++number) {
    fs::remove(file("gen", (number < 10 ? "0" : "") + std::to_string(number)));
  }
  EXPECT_EQ(refusal(true), "accepted");
  EXPECT_THAT(refusal(false), HasSubstr("13.npy: is missing"));
}

TEST_F(ReleasedWeights, PartialOfAWholeNetworkKeepsAll) {
  const ModelFile model = read_released_weights(folder_, true);
  EXPECT_EQ(model.convolutions, 6);
  EXPECT_TRUE(model.has_generator);
}

TEST_F(ReleasedWeights, PartialStillNeedsTheFirstConvolutionAndTheHead) {
  fs::rename(file("discrim", "01"), place_ / "away");
  EXPECT_THAT(refusal(true), HasSubstr("jl_01.npy: is missing"));
  fs::rename(place_ / "away", file("discrim", "01"));
  fs::remove(file("discrim", "17"));
  EXPECT_THAT(refusal(true), AllOf(HasSubstr("up to number 16"), HasSubstr("last a dense layer")));
}

TEST_F(ReleasedWeights, AnArrayOfAnotherShapeIsNamedWithBothShapes) {
  replace("discrim", "05", {4, 3, 3, 3});
  EXPECT_THAT(refusal(), AllOf(HasSubstr(file("discrim", "05")), HasSubstr("(4, 3, 3, 3)"), HasSubstr("(4, 2, 3, 3)")));
  replace("discrim", "05", {4, 2, 3, 3});
  EXPECT_EQ(refusal(), "accepted");
  replace("gen", "02", {4});
  EXPECT_THAT(refusal(), AllOf(HasSubstr("jl_02.npy"), HasSubstr("(4)"), HasSubstr("(192)")));
}

TEST_F(ReleasedWeights, ArraysThatMakeNoNetworkAreRefused) {
  const auto first = [&](const std::vector<int64_t>& shape) {
    replace("discrim", "01", shape);
    return refusal();
  };
  EXPECT_THAT(first({}), HasSubstr("no network of the paper"));
  EXPECT_THAT(first({2, 27}), HasSubstr("shapes (2, 27) to (128, 1)"));
  EXPECT_THAT(first({0, 3, 3, 3}), HasSubstr("no network of the paper"));
  EXPECT_THAT(first({3, 3, 3, 3}), HasSubstr("no network of the paper"));
  EXPECT_THAT(first({2, 3, 2, 2}), HasSubstr("--kernel is 2"));
  EXPECT_THAT(first({2, 1, 3, 3}), HasSubstr("expected (2, 3, 3, 3)"));
  EXPECT_THAT(first({2, 3, 3, 3}), "accepted");
  replace("gen", "01", {});
  EXPECT_THAT(refusal(), HasSubstr("--nz is 0"));
}

TEST_F(ReleasedWeights, OtherFilesBesideTheArraysArePassedOver) {
  for (const char* name :
       {"LICENSE", "7_discrim_params.jl", "7_discrim_params.jl_xx.npy", "7_discrim_params.jl_01.npy~",
        "7_discrim_params.jl_001.npy", "7_other_params.jl_01.npy", "notes_gen_params.jl_.npy"}) {
    std::ofstream(folder_ + "/" + name) << "no array";
  }
  EXPECT_EQ(refusal(), "accepted");
}

TEST_F(ReleasedWeights, TwoNetworksInOneFolderAreRefused) {
  fs::copy(file("discrim", "03"), folder_ + "/30_discrim_params.jl_03.npy");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("two networks"), HasSubstr("30_discrim"), HasSubstr("7_discrim")));
}

TEST_F(ReleasedWeights, ASurplusArrayOfTheGeneratorIsRefused) {
  fs::copy(file("gen", "03"), file("gen", "20"));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("jl_20.npy"), HasSubstr("has 19")));
}

TEST_F(ReleasedWeights, AFolderWithoutArraysOrNoFolderIsRefused) {
  folder_ = place_ / "empty";
  EXPECT_THAT(refusal(), HasSubstr("no folder"));
  fs::create_directory(folder_);
  EXPECT_THAT(refusal(), HasSubstr("holds no *_discrim_params.jl_NN.npy"));
}

TEST_F(ReleasedWeights, ADamagedArrayIsNamed) {
  fs::resize_file(file("discrim", "08"), fs::file_size(file("discrim", "08")) - 1);
  EXPECT_THAT(refusal(), HasSubstr(file("discrim", "08")));
}

}  // namespace
}  // namespace dcgan::test
