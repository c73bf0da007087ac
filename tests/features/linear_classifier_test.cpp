#include "dcgan/linear_classifier.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/safetensors.h"
#include "tests/support/random_model.h"
#include "tests/support/temporary_folder.h"

namespace dcgan {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class Classifier : public testing::Test {
 protected:
  // Three classes of 1,537 features: a whole piece of the products, half a one, and a feature that fills no vector.
  Classifier() {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    machines_.classes = {"ant", "bee", "cat"};
    machines_.weights.resize(3 * 1537);
    for (float& w : machines_.weights) w = normal(random);
    machines_.biases = {0.5F, -1.0F, 2.0F};
    machines_.c = 0.01;
    machines_.origin.model_sha256 = "abc";
    machines_.origin.layers = {1, 3};
    machines_.origin.grid = 2;
    machines_.origin.preprocessing = R"({"resize":{"size":32,"resize":"area"},"scale":"x","precision":"bf16"})";
    machines_.record = R"({"primal":1.5})";
  }

  std::vector<float> row(uint32_t seed) const {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(1537);
    for (float& v : values) v = normal(random);
    return values;
  }

  // Changes the file of the machines and says what is then wrong with it.
  template <class Change>
  void refuses(const Change& change, const char* why) {
    const std::string path = folder_ / "changed.safetensors";
    LinearClassifier(machines_).save(path);
    SafetensorsFile file = read_safetensors(path);
    change(file);
    write_safetensors(path, file);
    EXPECT_THAT([&] { LinearClassifier{path}; }, ThrowsMessage<FileError>(AllOf(HasSubstr(path), HasSubstr(why))));
  }

  test::TemporaryFolder folder_;
  LinearMachines machines_;
};

TEST_F(Classifier, ScoresAreTheSumsOfTheirDefinitionInFloat64) {
  const LinearClassifier classifier(machines_);
  std::vector<float> rows = row(1);
  const std::vector<float> second = row(2);
  rows.insert(rows.end(), second.begin(), second.end());
  std::vector<double> scores(6);
  classifier.score(rows.data(), 2, scores.data());
  for (size_t i = 0; i < 2; ++i) {
    for (size_t k = 0; k < 3; ++k) {
      double expected = machines_.biases[k];
      for (size_t j = 0; j < 1537; ++j) expected += double{machines_.weights[k * 1537 + j]} * rows[i * 1537 + j];
      EXPECT_NEAR(scores[i * 3 + k], expected, 1e-4);  // sums of about 40, in float32 over pieces
    }
  }
  const std::vector<ClassScore> best = classifier.best(rows.data(), 9);
  ASSERT_EQ(best.size(), 3U);
  EXPECT_EQ(best[0].score, *std::max_element(scores.begin(), scores.begin() + 3));
  EXPECT_EQ(best[2].score, *std::min_element(scores.begin(), scores.begin() + 3));
  EXPECT_EQ(classifier.best(rows.data()).size(), 1U);
}

TEST_F(Classifier, OfEqualScoresTheFirstClassWins) {
  std::fill(machines_.weights.begin(), machines_.weights.end(), 0.0F);
  machines_.biases = {1, 2, 2};
  const std::vector<ClassScore> best = LinearClassifier(machines_).best(row(1).data(), 3);
  EXPECT_EQ(best[0].number, 1);
  EXPECT_EQ(best[1].number, 2);
}

TEST_F(Classifier, ComesBackFromItsFileAsItWas) {
  const std::string path = folder_ / "machine.safetensors", again = folder_ / "again.safetensors";
  LinearClassifier(machines_).save(path);
  const LinearClassifier loaded(path);
  EXPECT_EQ(loaded.machines().weights, machines_.weights);
  EXPECT_EQ(loaded.machines().biases, machines_.biases);
  EXPECT_EQ(loaded.classes(), machines_.classes);
  EXPECT_EQ(loaded.machines().c, 0.01);
  EXPECT_EQ(loaded.machines().record, machines_.record);
  EXPECT_EQ(loaded.machines().origin.layers, machines_.origin.layers);
  EXPECT_EQ(loaded.feature_options().grid, 2);
  EXPECT_EQ(loaded.feature_options().resize, ResizeFilter::kArea);
  EXPECT_EQ(loaded.feature_options().precision, Precision::kBf16);
  loaded.save(again);
  EXPECT_EQ(read_safetensors(again).metadata, read_safetensors(path).metadata);
}

TEST_F(Classifier, RefusesRowsOfAnotherOriginAndNamesTheDifference) {
  const LinearClassifier classifier(machines_);
  const auto refuses_origin = [&](FeatureOrigin origin, const char* why) {
    EXPECT_THAT([&] { classifier.require(origin, 1537, "rows.h5"); },
                ThrowsMessage<Error>(AllOf(HasSubstr("rows.h5: "), HasSubstr(why))));
  };
  const FeatureOrigin own = machines_.origin;
  FeatureOrigin other = own;
  classifier.require(own, 1537, "rows.h5");
  other.model_sha256 = "xyz";
  refuses_origin(other, "the model is xyz, expected abc");
  other = own;
  other.layers = {1, 2};
  refuses_origin(other, "the list of layers is [1,2], expected [1,3]");
  other = own;
  other.grid = 4;
  refuses_origin(other, "the grid is 4, expected 2");
  other = own;
  other.preprocessing = R"({"resize":{"size":32,"resize":"linear"},"scale":"x","precision":"bf16"})";
  refuses_origin(other, "the preprocessing is {\"resize\":{\"resize\":\"linear\"");
  EXPECT_THAT([&] { classifier.require(own, 1536, "rows.h5"); },
              ThrowsMessage<Error>(HasSubstr("the number of features is 1536, expected 1537")));
  other.model_sha256.clear();
  classifier.require(other, 1537, "rows of somebody else");
}

TEST_F(Classifier, KnowsTheExtractorThatItsFeaturesAreOf) {
  ModelFile model;
  model.architecture.ndf = model.architecture.ngf = 8;
  model.architecture.nz = 4;
  model = test::random_model(model.architecture);
  const std::string path = folder_ / "model.safetensors";
  save_model(path, model);
  FeatureOptions options;
  options.layers = {1, 2};
  const FeatureExtractor extractor(path, options), area(path, [&] {
    FeatureOptions o = options;
    o.resize = ResizeFilter::kArea;
    return o;
  }());
  LinearMachines machines{{"a", "b"}, std::vector<float>(512, 1.0F), {0, 0}, 1, FeatureOrigin(extractor)};
  const LinearClassifier classifier(machines);
  classifier.require(extractor);
  classifier.require(FeatureExtractor(path, classifier.feature_options()));
  EXPECT_THAT([&] { classifier.require(area); }, ThrowsMessage<Error>(HasSubstr("the preprocessing is")));
  EXPECT_THAT([&] { classifier.require(FeatureExtractor(path)); }, ThrowsMessage<Error>(HasSubstr("list of layers")));
}

TEST_F(Classifier, OfFeaturesWithAnotherFilterThanTheModelRecordsAsksForItsOwn) {
  ModelFile model;
  model.architecture.ndf = model.architecture.ngf = 8;
  model.architecture.nz = 4;
  model.architecture.input.resize = ResizeFilter::kArea;
  model = test::random_model(model.architecture);
  const std::string path = folder_ / "model.safetensors";
  save_model(path, model);
  FeatureOptions options;
  options.layers = {1, 2};
  options.resize_is_chosen = true;  // linear
  const FeatureExtractor extractor(path, options);
  LinearMachines machines{{"a", "b"}, std::vector<float>(512, 1.0F), {0, 0}, 1, FeatureOrigin(extractor)};
  const LinearClassifier classifier(machines);
  classifier.require(FeatureExtractor(path, classifier.feature_options()));
}

TEST_F(Classifier, RefusesFilesThatAreNone) {
  refuses([](SafetensorsFile& f) { f.metadata["format"] = "model"; },
          "format is model, expected dcgan-linear-classifier");
  refuses([](SafetensorsFile& f) { f.metadata.erase("format"); }, "format is not given");
  refuses([](SafetensorsFile& f) { f.metadata["format_version"] = "2"; }, "format version 2");
  refuses([](SafetensorsFile& f) { f.metadata["classes"] = "[\"ant\"]"; }, "1 classes; it needs two or more");
  refuses([](SafetensorsFile& f) { f.metadata["classes"] = "[\"ant\",\"bee\",\"cat\",4]"; }, "metadata is damaged");
  refuses([](SafetensorsFile& f) { f.metadata["layers"] = "{"; }, "metadata is damaged");
  refuses([](SafetensorsFile& f) { f.metadata["layers"] = "[7.8e59]"; }, "metadata is damaged");
  refuses([](SafetensorsFile& f) { f.metadata["grid"] = "4.5"; }, "metadata is damaged");
  refuses([](SafetensorsFile& f) { f.metadata.erase("record"); }, "lacks \"record\"");
  refuses([](SafetensorsFile& f) { f.tensors.erase("biases"); }, "no float32 tensor \"biases\"");
  refuses([](SafetensorsFile& f) { f.tensors["biases"] = make_tensor({2}, {0, 0}); }, "2 biases");
  refuses(
      [](SafetensorsFile& f) {
        f.tensors["weights"] = make_tensor({1537, 3}, std::vector<float>(4611));
      },
      "weights for 1537 classes");
  refuses([](SafetensorsFile& f) { f.tensors["biases"] = make_tensor({3}, {0, NAN, 0}); }, "not finite");
}

}  // namespace
}  // namespace dcgan
