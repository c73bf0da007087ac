#include "data/image_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "data/codecs.h"
#include "data/image_folder.h"
#include "dcgan/errors.h"
#include "tests/data/example_images.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

// Image i is grey, i % 251; every seventh fails. Counts how far ahead of the reader it is asked.
class GreySource : public data::ImageSource {
 public:
  explicit GreySource(int64_t count) : count_(count) {}

  int64_t count() const override { return count_; }
  std::string path(int64_t i) const override { return "image " + std::to_string(i); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int32_t label(int64_t i) const override { return static_cast<int32_t>(i % 2); }
  std::string description() const override { return "{}"; }
  std::vector<data::DecodedImage> load(int64_t first, int64_t count) const override {
    // Later blocks finish before earlier ones.
    std::this_thread::sleep_for(std::chrono::microseconds((first * 7919) % 2000));
    std::vector<data::DecodedImage> images;
    for (int64_t i = first; i < first + count; ++i) {
      if (i == throw_at) throw std::runtime_error("the source broke");
      if (i % 7 == 3) {
        images.push_back({{}, "damaged"});
      } else {
        images.push_back({{4, 4, std::vector<uint8_t>(48, static_cast<uint8_t>(i % 251))}, ""});
      }
    }
    loaded += count;
    return images;
  }

  int64_t throw_at = -1;
  mutable std::atomic<int64_t> loaded{0};

 private:
  int64_t count_;
  std::vector<std::string> classes_ = {"even", "odd"};
};

data::PipelineOptions options_of(int64_t threads, int64_t block_size) {
  data::PipelineOptions options;
  options.threads = threads;
  options.block_size = block_size;
  return options;
}

TEST(ImagePipeline, DeliversEveryInputInOrderWhateverTheThreads) {
  const GreySource source(500);
  for (const int64_t threads : {1, 2, 5}) {
    data::ImagePipeline pipeline(source, {4, data::ResizeFilter::kLinear}, options_of(threads, 9));
    int64_t expected = 0;
    for (data::DecodedBlock block; pipeline.next(block);) {
      ASSERT_EQ(block.first, expected);
      ASSERT_EQ(block.images.count() + static_cast<int64_t>(block.failures.size()), block.inputs);
      ASSERT_EQ(block.images.pixels.size(), block.indices.size() * 48);
      for (size_t k = 0; k < block.indices.size(); ++k) {
        const int64_t i = block.indices[k];
        EXPECT_NE(i % 7, 3);
        EXPECT_EQ(block.images.paths[k], "image " + std::to_string(i));
        EXPECT_EQ(block.images.labels[k], i % 2);
        EXPECT_EQ(block.images.pixels[k * 48], i % 251);
      }
      expected += block.inputs;
    }
    EXPECT_EQ(expected, 500);
  }
}

TEST(ImagePipeline, StartsAndEndsWhereItIsTold) {
  const GreySource source(100);
  data::PipelineOptions options = options_of(2, 8);
  options.begin = 21;
  options.end = 40;
  data::ImagePipeline pipeline(source, {4, data::ResizeFilter::kLinear}, options);
  int64_t inputs = 0;
  for (data::DecodedBlock block; pipeline.next(block); inputs += block.inputs) EXPECT_EQ(block.first, 21 + inputs);
  EXPECT_EQ(inputs, 19);
}

TEST(ImagePipeline, StaysAheadByNoMoreThanItsBound) {
  const GreySource source(10'000);
  data::PipelineOptions options = options_of(3, 10);
  options.blocks_ahead = 4;
  data::ImagePipeline pipeline(source, {4, data::ResizeFilter::kLinear}, options);
  data::DecodedBlock block;
  for (int taken = 1; taken <= 20; ++taken) {
    ASSERT_TRUE(pipeline.next(block));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_LE(source.loaded, (taken + 4) * 10);
  }
}

TEST(ImagePipeline, PassesOnWhatTheSourceThrowsAtItsPlace) {
  GreySource source(100);
  source.throw_at = 35;
  data::ImagePipeline pipeline(source, {4, data::ResizeFilter::kLinear}, options_of(2, 10));
  data::DecodedBlock block;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pipeline.next(block));
  EXPECT_THROW(pipeline.next(block), std::runtime_error);
}

TEST(ImagePipeline, CountsAnImageThatCannotBePreparedAsAFailureWithItsReason) {
  const GreySource source(30);
  data::Preparation preparation = data::resize_preparation({4, data::ResizeFilter::kLinear});
  preparation.prepare = [prepare = preparation.prepare](data::RgbImage image) {
    if (image.pixels[0] == 12) throw data::DecodeError("no face");
    return prepare(std::move(image));
  };
  data::ImagePipeline pipeline(source, preparation, options_of(2, 30));
  data::DecodedBlock block;
  ASSERT_TRUE(pipeline.next(block));
  EXPECT_EQ(block.images.count(), 25);
  std::vector<std::string> failed;
  for (const Failure& failure : block.failures) failed.push_back(failure.path + ": " + failure.reason);
  EXPECT_THAT(failed, testing::ElementsAre("image 3: damaged", "image 10: damaged", "image 12: no face",
                                           "image 17: damaged", "image 24: damaged"));
}

TEST(ImagePipeline, RefusesInputsThatAreNotThereAndToDecodeWithoutThreads) {
  const GreySource source(30);
  const auto message = [&](data::PipelineOptions options) {
    try {
      data::ImagePipeline(source, data::ResizeOptions{4, data::ResizeFilter::kLinear}, options);
    } catch (const OptionError& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  data::PipelineOptions options = options_of(1, 1);
  options.begin = 20;
  options.end = 31;
  EXPECT_THAT(message(options), testing::HasSubstr("inputs 20 to 31 were asked for, of 30"));
  options.end = 19;
  EXPECT_THAT(message(options), testing::HasSubstr("inputs 20 to 19"));
  EXPECT_THAT(message(options_of(0, 1)), testing::HasSubstr("at least one thread"));
  EXPECT_THAT(message(options_of(1, 0)), testing::HasSubstr("one image per block"));
  options.end = 20;
  EXPECT_EQ(message(options), "accepted") << "nothing is asked for";
}

TEST(ImagePipeline, SaysHowLongItDecoded) {
  const GreySource source(50);
  data::ImagePipeline pipeline(source, {4, data::ResizeFilter::kLinear}, options_of(2, 10));
  for (data::DecodedBlock block; pipeline.next(block);) {
  }
  EXPECT_GT(pipeline.times().decode_s, 0);
}

// Good images with damaged ones at known places among them: every good one at its place, every damaged one with a
// reason.
TEST(ImagePipeline, AccountsForEveryImageOfADamagedCorpus) {
  const TemporaryFolder folder;
  const Bytes jpeg = read_bytes(golden_image("rgb.jpg"));
  const Bytes png = read_bytes(golden_image("rgb.png"));
  const Bytes webp = read_bytes(golden_image("lossless.webp"));
  const Bytes tiff = read_bytes(golden_image("lzw.tif"));
  const auto cut = [](const Bytes& bytes, double share) {
    return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(bytes.size()) * share));
  };
  const auto flipped = [](Bytes bytes, size_t from_end) {
    bytes[bytes.size() - from_end] ^= 0x10;
    return bytes;
  };
  Bytes text_in_scan = jpeg;
  std::fill(text_in_scan.end() - 150, text_in_scan.end() - 50, 'x');
  Bytes zeros(500, 0);
  const std::vector<std::pair<std::string, Bytes>> damaged = {
      {"cut.jpg", cut(jpeg, 0.7)},
      {"no_end_marker.jpg", cut(jpeg, 0.999)},
      {"header_only.jpg", cut(jpeg, 0.2)},
      {"overwritten.jpg", text_in_scan},
      {"empty.jpg", {}},
      {"html.jpg", {'<', 'h', 't', 'm', 'l', '>'}},
      {"zeros.png", zeros},
      {"cut.png", cut(png, 0.5)},
      {"no_end.png", cut(png, 0.98)},
      {"bad_checksum.png", flipped(png, 14)},
      {"cut_animation.png", cut(read_bytes(golden_image("animated.png")), 0.9)},
      {"cut.webp", cut(webp, 0.9)},
      {"cut_animation.webp", cut(read_bytes(golden_image("animated.webp")), 0.9)},
      {"cut_animation.gif", cut(read_bytes(golden_image("animated.gif")), 0.9)},
      {"cut.tif", cut(tiff, 0.5)}};
  const std::vector<std::string> good = {"rgb.jpg",          "rgb.png",      "lossless.webp", "lzw.tif",
                                         "orientation6.jpg", "animated.png", "animated.webp", "animated.gif"};
  data::ImageList list;
  list.root = folder.path();
  std::vector<std::string> truth;  // the golden file of every input, empty for a damaged one
  for (size_t i = 0; i < 20 * damaged.size(); ++i) {
    const bool bad = i % 3 == 1;
    const std::string name =
        std::to_string(i) + "_" + (bad ? damaged[i / 3 % damaged.size()].first : good[i % good.size()]);
    write_bytes(folder / name,
                bad ? damaged[i / 3 % damaged.size()].second : read_bytes(golden_image(good[i % good.size()])));
    list.paths.push_back(name);
    truth.push_back(bad ? "" : good[i % good.size()]);
  }
  const data::FolderImages source(list, {});
  const data::ResizeOptions resize{8, data::ResizeFilter::kLinear};
  data::ImagePipeline pipeline(source, resize, options_of(3, 7));
  size_t accounted = 0;
  for (data::DecodedBlock block; pipeline.next(block); accounted += static_cast<size_t>(block.inputs)) {
    for (size_t k = 0; k < block.indices.size(); ++k) {
      const auto i = static_cast<size_t>(block.indices[k]);
      ASSERT_NE(truth[i], "") << list.paths[i] << " passed in silence";
      ASSERT_EQ(block.images.paths[k], list.paths[i]);
      const data::RgbImage row{8,
                               8,
                               {block.images.pixels.begin() + static_cast<std::ptrdiff_t>(k * 192),
                                block.images.pixels.begin() + static_cast<std::ptrdiff_t>((k + 1) * 192)}};
      EXPECT_LE(largest_difference(row, data::resize_and_crop(golden_pixels(truth[i]), resize)), 3) << list.paths[i];
    }
    for (const Failure& failure : block.failures) {
      EXPECT_EQ(truth[std::stoul(failure.path)], "") << failure.path << ": " << failure.reason;
      EXPECT_NE(failure.reason, "");
    }
  }
  EXPECT_EQ(accounted, truth.size());
}

}  // namespace
}  // namespace dcgan::test
