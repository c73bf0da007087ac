#include "dcgan/feature_extractor.h"

#include <gmock/gmock.h>

#include <cstring>

#include "dcgan/errors.h"
#include "dcgan/feature_compression.h"
#include "dcgan/model_file.h"
#include "dcgan/statistics.h"
#include "models/sha256.h"
#include "tests/support/small_extractor.h"

namespace dcgan {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class Extractor : public test::SmallExtractor {
 protected:
  static constexpr int64_t kMinibatch = 128 * kImageBytes;

  // Statistics are means of those of the first 128 images and of the others, which differ. @return the model with them
  ModelFile expect_means_of_two_minibatches(const std::vector<uint8_t>& pixels) const {
    const std::string count = text_of(pixels.size() / kImageBytes);
    const std::vector<uint8_t> first(pixels.begin(), pixels.begin() + kMinibatch),
        last(pixels.begin() + kMinibatch, pixels.end());
    ModelFile all = model_, of_first = model_, of_last = model_;
    infer_statistics(all, feed(pixels, 50), {count + " images", 1, 2});
    infer_statistics(of_first, feed(first, 128), {"the first", 1, 1});
    infer_statistics(of_last, feed(last, 129), {"the last", 1, 1});
    EXPECT_THAT(all.statistics, HasSubstr("\"images\":" + count));
    for (const char* name : {"discriminator.bn2.running_mean", "discriminator.bn6.running_var"}) {
      const std::vector<float> a = of_first.tensors[name].to_floats(), b = of_last.tensors[name].to_floats();
      const std::vector<float> mean = all.tensors[name].to_floats();
      EXPECT_NE(a, b);
      for (size_t i = 0; i < a.size(); ++i) EXPECT_FLOAT_EQ(mean[i], (a[i] + b[i]) / 2) << name;
    }
    return all;
  }
};

TEST_F(Extractor, GivesTheSameBitsWhateverBatchSizeThreadsAndCount) {
  const std::vector<uint8_t> pixels = some_pixels(7);
  FeatureExtractor reference(path_, {{}, 4, 1, 64});
  const std::vector<float> expected = extract(reference, pixels);
  for (const int64_t threads : {1, 2, 3}) {
    for (const int64_t batch_size : {1, 2, 5, 7, 64}) {
      FeatureExtractor extractor(path_, {{}, 4, threads, batch_size});
      EXPECT_EQ(extract(extractor, pixels), expected) << threads << " threads, batches of " << batch_size;
    }
  }
  const std::vector<uint8_t> first(pixels.begin(), pixels.begin() + 32 * 32 * 3);
  EXPECT_EQ(extract(reference, first),
            std::vector<float>(expected.begin(), expected.begin() + reference.feature_count()));
}

TEST_F(Extractor, TellsItsShapeFromTheModel) {
  const FeatureExtractor all(path_);
  EXPECT_EQ(all.image_size(), 32);
  EXPECT_EQ(all.feature_count(), 28'672 / 16);
  EXPECT_THAT(all.layers(), testing::ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(all.layer_offsets(), testing::ElementsAre(0, 128, 256, 512, 768, 1280, 1792));
  EXPECT_EQ(all.model_sha256(), models::sha256_of_file(path_));
  model_.architecture = published_architecture("svhn32");
  save();
  EXPECT_EQ(FeatureExtractor(path_).feature_count(), 7'168);
}

TEST_F(Extractor, TakesTf32OnAGpuOnly) {
  FeatureOptions options;
  options.device = "cpu";
  options.precision = Precision::kTf32;
  EXPECT_THAT([&] { FeatureExtractor(path_, options); }, ThrowsMessage<Error>(HasSubstr("--precision is tf32")));
}

TEST_F(Extractor, IsTheSameOfAFileAndOfTheModelItself) {
  const std::vector<uint8_t> pixels = some_pixels(2);
  FeatureExtractor of_file(path_), of_model(model_);
  EXPECT_EQ(extract(of_model, pixels), extract(of_file, pixels));
  EXPECT_EQ(of_model.model_sha256(), "");
}

TEST_F(Extractor, TakesASingleImageThatIsLeftOverWithTheMinibatchBefore) {
  expect_means_of_two_minibatches(some_pixels(257));
}

TEST_F(Extractor, TakesMinibatchesOf128InOrder) {
  const std::vector<uint8_t> pixels = some_pixels(130);
  const std::vector<uint8_t> last(pixels.begin() + kMinibatch, pixels.end());
  const ModelFile all = expect_means_of_two_minibatches(pixels);
  FeatureExtractor extractor(path_), reference(all);
  extractor.infer_statistics(feed(pixels, 50), "130 images");
  EXPECT_EQ(extractor.statistics(), all.statistics);
  EXPECT_EQ(extract(extractor, last), extract(reference, last));
  EXPECT_THAT([&] { extractor.infer_statistics(feed({}, 1), "an empty folder"); },
              ThrowsMessage<Error>(HasSubstr("an empty folder has none")));
}

TEST_F(Extractor, InfersTheSameBitsWhateverTheThreadsThePiecesAndTheStatisticsBefore) {
  const std::vector<uint8_t> pixels = some_pixels(9);
  ModelFile model = model_;
  infer_statistics(model, feed(pixels, 4), {"nine images", 1, 1});
  ModelFile again = model;
  infer_statistics(again, feed(pixels, 9), {"nine images", 1, 3});
  for (const auto& [name, tensor] : model.tensors) EXPECT_EQ(again.tensors[name].bytes, tensor.bytes) << name;
  infer_statistics(again, feed(pixels, 9), {"nine images", 2, 1});
  EXPECT_EQ(again.tensors["discriminator.bn4.running_mean"].bytes,
            model.tensors["discriminator.bn4.running_mean"].bytes);
  EXPECT_NE(again.tensors["generator.bn3.running_mean"].bytes, model.tensors["generator.bn3.running_mean"].bytes);
}

TEST_F(Extractor, ReadsRowsWithAStride) {
  const std::vector<uint8_t> pixels = some_pixels(2);
  constexpr int64_t kStride = 100;
  std::vector<uint8_t> padded(2 * 32 * kStride, 7);
  for (int64_t y = 0; y < 64; ++y) std::memcpy(padded.data() + y * kStride, pixels.data() + y * 96, 96);
  FeatureExtractor extractor(path_);
  std::vector<float> features(static_cast<size_t>(2 * extractor.feature_count()));
  extractor.extract(padded.data(), 2, 32, 32, kStride, features.data());
  EXPECT_EQ(features, extract(extractor, pixels));
}

TEST_F(Extractor, NamesWhatDoesNotFit) {
  EXPECT_THAT([&] { FeatureExtractor(path_, {{7}}); },
              ThrowsMessage<Error>(HasSubstr("--layers asks for convolution 7; the model has 6")));
  EXPECT_THAT([&] { FeatureExtractor(path_, {{}, 3}); }, ThrowsMessage<Error>(HasSubstr("--grid is 3")));
  EXPECT_THAT([&] { FeatureExtractor(path_, {{}, 4, 1, 0}); }, ThrowsMessage<Error>(HasSubstr("--batch-size is 0")));
  EXPECT_THAT([&] { FeatureExtractor(folder_ / "none.safetensors"); },
              ThrowsMessage<Error>(HasSubstr("none.safetensors")));
  FeatureExtractor extractor(path_);
  float unused = 0;
  const auto refuses = [&](const ImageView& image, const char* why) {
    EXPECT_THAT([&] { extractor.extract(&image, 1, &unused); }, ThrowsMessage<OptionError>(HasSubstr(why)));
  };
  const std::vector<uint8_t> pixels = some_pixels(1);
  refuses({nullptr, 32, 32}, "an image has no pixels: its pointer is null");
  refuses({pixels.data(), 0, 32}, "an image is 0 x 32 pixels; sides are from 1 to 16777216");
  refuses({pixels.data(), 32, -1}, "an image is 32 x -1 pixels");
  refuses({pixels.data(), 32, 32, 95}, "the stride is 95 bytes; a row of pixels takes 96");
  refuses({pixels.data(), 32, 32, 96, PixelFormat::kRgba}, "the stride is 96 bytes; a row of pixels takes 128");
  refuses({pixels.data(), 32, 32, 0, static_cast<PixelFormat>(4)}, "the pixel format 4");
  const ImageView good{pixels.data(), 32, 32};
  EXPECT_THAT([&] { extractor.extract(&good, 1, nullptr); }, ThrowsMessage<OptionError>(HasSubstr("no room")));
  EXPECT_THAT([&] { extractor.extract(nullptr, 1, &unused); }, ThrowsMessage<OptionError>(HasSubstr("no images")));
  EXPECT_THAT([&] { extractor.extract(&good, -1, &unused); }, ThrowsMessage<OptionError>(HasSubstr("-1")));
  extractor.extract(nullptr, 0, nullptr);  // no images: nothing to do
}

TEST_F(Extractor, TakesImagesOfAnySizeAndFormatAsThoughTheyHadBeenResizedBefore) {
  const std::vector<uint8_t> bytes = some_pixels(60);
  const std::vector<ImageView> images = {{bytes.data() + 5, 100, 60},
                                         {bytes.data(), 32, 32},
                                         {bytes.data() + 9, 40, 90, 150, PixelFormat::kBgr},
                                         {bytes.data() + 11, 20, 31, 0, PixelFormat::kGrey},
                                         {bytes.data() + 13, 64, 64, 300, PixelFormat::kRgba}};
  for (const ResizeFilter filter : {ResizeFilter::kLinear, ResizeFilter::kArea}) {
    std::vector<uint8_t> squares(images.size() * 32 * 32 * 3);
    for (size_t i = 0; i < images.size(); ++i)
      resize_and_crop(images[i], {32, filter}, squares.data() + i * 32 * 32 * 3);
    FeatureOptions options;
    options.batch_size = 2;
    options.threads = 2;
    options.resize = filter;
    FeatureExtractor extractor(path_, options);
    std::vector<float> features(images.size() * static_cast<size_t>(extractor.feature_count()));
    extractor.extract(images.data(), static_cast<int64_t>(images.size()), features.data());
    EXPECT_EQ(features, extract(extractor, squares)) << to_name(filter);
    EXPECT_THAT(extractor.preprocessing(), HasSubstr("\"resize\":\"" + to_name(filter) + "\""));
  }
}

TEST_F(Extractor, TakesABatchOfOneSizeAsItTakesItsImagesOneByOne) {
  const std::vector<uint8_t> bytes = some_pixels(20);
  FeatureExtractor extractor(path_);
  const auto features = static_cast<size_t>(extractor.feature_count());
  std::vector<float> together(3 * features), single(features);
  constexpr int64_t kStride = 200;
  extractor.extract(bytes.data(), 3, 47, 40, kStride, together.data(), PixelFormat::kRgba);
  for (int64_t i = 0; i < 3; ++i) {
    const ImageView image{bytes.data() + i * 40 * kStride, 47, 40, kStride, PixelFormat::kRgba};
    extractor.extract(&image, 1, single.data());
    EXPECT_TRUE(std::equal(single.begin(), single.end(), together.begin() + i * static_cast<int64_t>(features))) << i;
  }
}

TEST_F(Extractor, CompressesFeaturesInBatchesOfAnySizeAndSaysSo) {
  FeatureOptions options;
  options.layers = {1, 2};
  options.threads = 1;
  FeatureExtractor plain(path_, options);
  CompressionMap map;
  map.dimensions = 3;
  map.model_sha256 = plain.model_sha256();
  map.layers = options.layers;
  map.preprocessing = plain.preprocessing();
  for (int64_t i = 0; i < 3 * plain.feature_count(); ++i) map.weights.push_back(static_cast<float>(i % 7 - 3));
  map.offsets = {1, 2, 3};
  options.compress = folder_ / "pca.safetensors";
  FeatureCompression::save(options.compress, map);
  const std::vector<uint8_t> pixels = some_pixels(5);
  std::vector<float> expected(5 * 3);
  FeatureCompression(options.compress, 1).apply(extract(plain, pixels).data(), 5, expected.data());
  for (const int64_t batch : {2, 64}) {
    options.batch_size = batch;
    FeatureExtractor compressed(path_, options);
    EXPECT_EQ(compressed.feature_count(), 3);
    EXPECT_EQ(compressed.layer_offsets(), (std::vector<int64_t>{0, 3}));
    EXPECT_EQ(compression_sha256(compressed.preprocessing()), compressed.compression()->sha256());
    EXPECT_EQ(extract(compressed, pixels), expected) << batch;
  }
  EXPECT_EQ(plain.compression(), nullptr);
  options.grid = 2;
  FeatureExtractor other(path_, options);
  EXPECT_THAT([&] { extract(other, pixels); }, ThrowsMessage<OptionError>(HasSubstr("the grid is 2")));
  EXPECT_THAT([&] { other.preprocessing(); }, ThrowsMessage<OptionError>(HasSubstr("the grid is 2")));
}

}  // namespace
}  // namespace dcgan
