#include "dcgan/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "dcgan/errors.h"
#include "models/sha256.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

/// A tensor of its name's length, name's length + 1, ...
void add(ModelFile& model, const std::string& name, const std::vector<int64_t>& shape, DType dtype = DType::kFloat32) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  std::vector<float> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), static_cast<float>(name.size()));
  model.tensors[name] = make_tensor(shape, values, dtype);
}

/// Two halvings from 16 pixels, one convolution each; all shapes written out by hand.
ModelFile example_model() {
  ModelFile model;
  model.architecture.image_size = 16;
  model.architecture.convs_per_scale = 1;
  model.architecture.ndf = 2;
  model.architecture.ngf = 3;
  model.architecture.nz = 5;
  model.convolutions = 2;
  model.statistics = R"({"source":"test"})";
  model.training = R"({"step":7})";
  add(model, "discriminator.conv1.weight", {2, 3, 3, 3});
  add(model, "discriminator.conv2.weight", {4, 2, 3, 3});
  for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
    add(model, std::string("discriminator.bn2.") + name, {4});
    add(model, std::string("generator.bn0.") + name, {96});
    add(model, std::string("generator.bn1.") + name, {3});
  }
  add(model, "discriminator.head.weight", {1, 64});
  add(model, "generator.project.weight", {96, 5});
  add(model, "generator.deconv1.weight", {6, 3, 3, 3});
  add(model, "generator.deconv2.weight", {3, 3, 3, 3});
  return model;
}

class Model : public ::testing::Test {
 protected:
  void expect_equal(const ModelFile& read, const ModelFile& written) const {
    EXPECT_EQ(to_json(read.architecture), to_json(written.architecture));
    EXPECT_EQ(read.statistics, written.statistics);
    EXPECT_EQ(read.training, written.training);
    EXPECT_EQ(read.convolutions, written.convolutions);
    EXPECT_EQ(read.has_generator, written.has_generator);
    ASSERT_EQ(read.tensors.size(), written.tensors.size());
    for (const auto& [name, tensor] : written.tensors) {
      EXPECT_EQ(read.tensors.at(name).bytes, tensor.bytes) << name;
      EXPECT_EQ(read.tensors.at(name).shape, tensor.shape) << name;
    }
  }
  /// Saves with changed metadata. @return the message of load_model
  std::string refusal(const std::string& key, const std::string& value) const {
    save_model(path_, example_model());
    SafetensorsFile file = read_safetensors(path_);
    file.metadata[key] = value;
    write_safetensors(path_, file);
    try {
      load_model(path_);
    } catch (const FileError& error) {
      EXPECT_THAT(error.what(), StartsWith(path_ + ": "));
      return error.what();
    }
    return "accepted";
  }
  std::string refusal_to_save(const ModelFile& model) const {
    try {
      save_model(path_, model);
    } catch (const FileError& error) {
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "m.safetensors";
};

TEST_F(Model, ReadsBackAsWritten) {
  save_model(path_, example_model());
  const ModelFile read = load_model(path_);
  expect_equal(read, example_model());
  EXPECT_EQ(read.sha256, models::sha256_of_file(path_));
}

TEST_F(Model, EqualModelsGiveEqualBytes) {
  save_model(path_, example_model());
  const std::string first = models::sha256_of_file(path_);
  ModelFile again = load_model(path_);
  save_model(path_, again);
  EXPECT_EQ(models::sha256_of_file(path_), first);
}

TEST_F(Model, MayBeInHalfPrecision) {
  ModelFile model = example_model();
  add(model, "discriminator.conv1.weight", {2, 3, 3, 3}, DType::kFloat16);
  save_model(path_, model);
  expect_equal(load_model(path_), model);
}

TEST_F(Model, MayHaveNoGenerator) {
  ModelFile model = example_model();
  model.has_generator = false;
  EXPECT_THAT(refusal_to_save(model), HasSubstr("\"generator.bn0.bias\" is not in"));
  for (auto it = model.tensors.begin(); it != model.tensors.end();) {
    it = it->first.rfind("generator.", 0) == 0 ? model.tensors.erase(it) : std::next(it);
  }
  save_model(path_, model);
  expect_equal(load_model(path_), model);
}

TEST_F(Model, MayHoldTheLowerConvolutionsOnly) {
  ModelFile model = example_model();
  model.convolutions = 1;
  EXPECT_THAT(refusal_to_save(model), HasSubstr("is not in its architecture"));
  for (const char* name :
       {"bn2.weight", "bn2.bias", "bn2.running_mean", "bn2.running_var", "conv2.weight", "head.weight"}) {
    model.tensors.erase(std::string("discriminator.") + name);
  }
  save_model(path_, model);
  expect_equal(load_model(path_), model);
  model.convolutions = 0;
  EXPECT_THAT(refusal_to_save(model), HasSubstr("holds 0 convolutions"));
  model.convolutions = 3;
  EXPECT_THAT(refusal_to_save(model), HasSubstr("1 to 2"));
}

TEST_F(Model, AMissingSurplusOrMisshapenTensorIsNamed) {
  ModelFile model = example_model();
  model.tensors.erase("discriminator.bn2.running_var");
  EXPECT_THAT(refusal_to_save(model), AllOf(HasSubstr("\"discriminator.bn2.running_var\" [4] is missing")));
  model = example_model();
  add(model, "discriminator.bn1.weight", {2});
  EXPECT_THAT(refusal_to_save(model), HasSubstr("\"discriminator.bn1.weight\" is not in its architecture"));
  model = example_model();
  add(model, "generator.deconv1.weight", {3, 6, 3, 3});
  EXPECT_THAT(refusal_to_save(model), AllOf(HasSubstr("[3,6,3,3]"), HasSubstr("[6,3,3,3]")));
  model = example_model();
  model.tensors["discriminator.bn2.bias"] = {DType::kInt64, {4}, std::vector<std::byte>(32)};
  EXPECT_THAT(refusal_to_save(model), HasSubstr("neither float32 nor float16"));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(Model, WrongMetadataAreRefused) {
  EXPECT_EQ(refusal("training", "{}"), "accepted");
  EXPECT_THAT(refusal("format", "pt"),
              AllOf(HasSubstr("\"pt\""), HasSubstr("dcgan-model"), HasSubstr("dcgan-convert")));
  EXPECT_THAT(refusal("format_version", "3"), AllOf(HasSubstr("\"3\""), HasSubstr("reads 1 and 2")));
  EXPECT_THAT(refusal("architecture", "{"), HasSubstr("architecture is no JSON object"));
  EXPECT_THAT(refusal("architecture", R"({"ndff":2})"), AllOf(HasSubstr("\"ndff\" is unknown"), HasSubstr("ndf")));
  EXPECT_THAT(refusal("architecture", R"({"image-size":17})"), HasSubstr("--image-size is 17"));
  EXPECT_THAT(refusal("architecture", R"({"ndf":"2"})"), HasSubstr("\"ndf\" is \"2\""));
  EXPECT_THAT(refusal("architecture", R"({"latent":"gamma"})"), HasSubstr("gamma"));
  const std::string small = R"({"image-size":16,"convs-per-scale":1,"ndf":2,"ngf":3,"nz":5,)";
  EXPECT_THAT(refusal("architecture", small + R"("scaling":"fractal"})"), HasSubstr("\"scaling\" is \"fractal\""));
  EXPECT_THAT(refusal("architecture", small + R"("hidden-dense":3})"),
              HasSubstr("\"discriminator.bn_hidden.bias\" [3] is missing"));
  EXPECT_THAT(refusal("architecture", small + R"("head":"average-pool"})"),
              AllOf(HasSubstr("\"discriminator.head.weight\" has the shape [1,64]"), HasSubstr("asks for [1,4]")));
  EXPECT_THAT(refusal("architecture", small + R"("batch-norm":"all"})"),
              HasSubstr("\"discriminator.bn1.bias\" [2] is missing"));
  EXPECT_THAT(refusal("architecture", small + R"("batch-norm":"none"})"),
              HasSubstr("\"discriminator.bn2.bias\" is not in its architecture"));
  EXPECT_EQ(refusal("architecture", small + R"("scaling":"pooling"})"), "accepted") << "the same shapes";
  EXPECT_THAT(refusal("architecture", "{}"), HasSubstr("asks for"));  // the defaults are another architecture
  EXPECT_THAT(refusal("statistics", "[]"), HasSubstr("statistics is no JSON object"));
  EXPECT_THAT(refusal("convolutions", "x"), HasSubstr("convolutions is no number"));
  EXPECT_THAT(refusal("convolutions", "1"), HasSubstr("is not in its architecture"));
}

TEST_F(Model, OtherFilesAreRefused) {
  EXPECT_THAT([&] { load_model(path_); }, ThrowsMessage<FileError>(HasSubstr("does not exist")));
  std::ofstream(path_) << "\x89PNG\r\n\x1a\n rest of the picture";
  EXPECT_THAT([&] { load_model(path_); }, ThrowsMessage<FileError>(HasSubstr("no model file (safetensors)")));
}

TEST(ArchitectureJson, HasEachOptionOnceAndReadsItBack) {
  ArchitectureOptions options;
  options.kernel = 5;
  options.latent = Latent::kNormal;
  const std::string text = to_json(options);
  EXPECT_EQ(text, R"({"image-size":32,"kernel":5,"convs-per-scale":2,"ndf":128,"ngf":128,"nz":256,"latent":"normal"})");
  EXPECT_EQ(to_json(architecture_from_json(text)), text);
  EXPECT_EQ(architecture_from_json(R"({"ndf":64})").ndf, 64);
  EXPECT_EQ(architecture_from_json(R"({"ndf":64})").nz, 256) << "a missing key takes the default";
  options.guidelines = {Scaling::kPooling, NormalizedLayers::kAll, 7, Head::kAveragePool, Activation::kRelu};
  const std::string others = to_json(options);
  EXPECT_EQ(others, text.substr(0, text.size() - 1) +
                        R"(,"scaling":"pooling","batch-norm":"all","hidden-dense":7,"head":"average-pool",)" +
                        R"("activation":"relu"})");
  EXPECT_EQ(to_json(architecture_from_json(others)), others);
  EXPECT_EQ(to_json(architecture_from_json(R"({"scaling":"strides","hidden-dense":0})")), to_json({}));
}

TEST_F(Model, AgreesWithThePythonPackageSafetensorsBothWays) {
  save_model(path_, example_model());
  std::string output;
  const int status = run_python("tests/golden/make_store_model.py", folder_.path(), output);
  if (status == 77) GTEST_SKIP() << output;
  ASSERT_EQ(status, 0) << output;
  // The script wrote what it read, through numpy, under another name.
  expect_equal(load_model(folder_ / "python.safetensors"), example_model());
}

}  // namespace
}  // namespace dcgan::test
