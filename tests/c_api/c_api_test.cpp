#include "dcgan/c_api.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/feature_compression.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/image_files.h"
#include "dcgan/linear_classifier.h"
#include "tests/support/bytes_of.h"
#include "tests/support/temporary_folder.h"

extern "C" dcgan_status open_from_c(const char* model, dcgan_extractor** extractor);

namespace dcgan::test {
namespace {

using testing::HasSubstr;

constexpr const char* kModel = DCGAN_SOURCE_DIR "/data/models/tiny-imagenet32.safetensors";
constexpr const char* kPicture = DCGAN_SOURCE_DIR "/docs/images/report.png";
constexpr const char* kLowest = R"({"layers":[1],"grid":1,"threads":1,"device":"cpu","batch-size":2})";

class CApi : public testing::Test {
 protected:
  CApi() {
    EXPECT_EQ(dcgan_extractor_open(kModel, kLowest, &extractor_), DCGAN_OK) << dcgan_last_error();
    for (size_t i = 0; i < pixels_.size(); ++i) pixels_[i] = static_cast<uint8_t>(i * i / 7);
  }
  ~CApi() override { dcgan_extractor_close(extractor_); }

  // Extracts one image and expects a message.
  void refuses(const dcgan_image& image, const char* why) {
    std::vector<float> features(128, -1.0F);
    EXPECT_EQ(dcgan_extract(extractor_, &image, 1, features.data(), features.size()), DCGAN_WRONG_ARGUMENT);
    EXPECT_THAT(dcgan_last_error(), HasSubstr(why));
    EXPECT_EQ(features, std::vector<float>(128, -1.0F)) << "written to";
  }

  dcgan_extractor* extractor_ = nullptr;
  std::vector<uint8_t> pixels_ = std::vector<uint8_t>(90 * 300);
};

TEST_F(CApi, GivesTheFeaturesOfTheClasses) {
  FeatureOptions options;
  options.layers = {1};
  options.grid = 1;
  FeatureExtractor reference(kModel, options);
  const std::vector<ImageView> views = {{pixels_.data(), 90, 80, 300, PixelFormat::kBgr},
                                        {pixels_.data(), 32, 32},
                                        {pixels_.data() + 5, 50, 60, 0, PixelFormat::kGrey}};
  std::vector<dcgan_image> images;
  for (const ImageView& v : views)
    images.push_back({v.pixels, 90 * 300 - 5, v.width, v.height, v.stride, static_cast<int32_t>(v.format)});
  std::vector<float> expected(3 * 128), found(3 * 128);
  reference.extract(views.data(), 3, expected.data());
  ASSERT_EQ(dcgan_extract(extractor_, images.data(), 3, found.data(), found.size()), DCGAN_OK) << dcgan_last_error();
  EXPECT_EQ(found, expected);
  EXPECT_EQ(dcgan_extractor_feature_count(extractor_), 128);
  EXPECT_EQ(dcgan_extractor_image_size(extractor_), 32);
  EXPECT_THAT(dcgan_extractor_info(extractor_), HasSubstr(reference.model_sha256()));
}

TEST_F(CApi, OpensFromCWithTheDefaults) {
  dcgan_extractor* all = nullptr;
  ASSERT_EQ(open_from_c(kModel, &all), DCGAN_OK) << dcgan_last_error();
  EXPECT_EQ(dcgan_extractor_feature_count(all), 28'672);
  dcgan_extractor_close(all);
}

TEST_F(CApi, NullIsAnErrorAndNeverACrash) {
  dcgan_extractor* none = extractor_;
  EXPECT_EQ(dcgan_extractor_open(nullptr, nullptr, &none), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(none, nullptr) << "the place is emptied by a failure";
  EXPECT_STREQ(dcgan_last_error(), "the name of the model file is null.");
  EXPECT_EQ(dcgan_extractor_open(kModel, nullptr, nullptr), DCGAN_WRONG_ARGUMENT);
  dcgan_image image{pixels_.data(), pixels_.size(), 32, 32, 0, DCGAN_RGB};
  std::vector<float> features(128);
  EXPECT_EQ(dcgan_extract(nullptr, &image, 1, features.data(), 128), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_extract(extractor_, nullptr, 1, features.data(), 128), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_extract(extractor_, &image, 1, nullptr, 128), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_extract(extractor_, nullptr, 0, nullptr, 0), DCGAN_OK) << "nothing to do";
  EXPECT_EQ(dcgan_extractor_on_progress(nullptr, nullptr, nullptr), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_extractor_feature_count(nullptr), 0);
  EXPECT_EQ(dcgan_extractor_image_size(nullptr), 0);
  EXPECT_STREQ(dcgan_extractor_info(nullptr), "{}");
  dcgan_extractor_close(nullptr);
  EXPECT_EQ(dcgan_classifier_open(nullptr, nullptr), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_classifier_require(nullptr, extractor_), DCGAN_WRONG_ARGUMENT);
  double score = 0;
  EXPECT_EQ(dcgan_classifier_score(nullptr, features.data(), 1, &score, 1), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_classifier_class_count(nullptr), 0);
  EXPECT_EQ(dcgan_classifier_feature_count(nullptr), 0);
  EXPECT_EQ(dcgan_classifier_class(nullptr, 0), nullptr);
  EXPECT_STREQ(dcgan_classifier_options(nullptr), "{}");
  dcgan_classifier_close(nullptr);
  dcgan_picture* picture = nullptr;
  EXPECT_EQ(dcgan_picture_read(nullptr, 0, &picture), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_picture_read(kPicture, 0, nullptr), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_picture_decode(nullptr, 10, 0, &picture), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_picture_image(nullptr).pixels, nullptr);
  dcgan_picture_close(nullptr);
}

TEST_F(CApi, SizesThatCannotBeAreRefusedBeforeAnythingIsWritten) {
  const size_t size = pixels_.size();
  refuses({nullptr, size, 32, 32, 0, DCGAN_RGB}, "null");
  refuses({pixels_.data(), size, 0, 32, 0, DCGAN_RGB}, "0 x 32");
  refuses({pixels_.data(), size, 32, std::numeric_limits<int64_t>::min(), 0, DCGAN_RGB}, "x -9223372036854775808");
  refuses({pixels_.data(), size, 32, 32, 95, DCGAN_RGB}, "the stride is 95 bytes");
  refuses({pixels_.data(), size, 32, 32, -96, DCGAN_RGB}, "the stride is -96 bytes");
  refuses({pixels_.data(), size, 32, 32, 0, 4}, "pixel format 4");
  refuses({pixels_.data(), size, 32, 32, 0, -1}, "pixel format -1");
  refuses({pixels_.data(), 32 * 96 - 1, 32, 32, 0, DCGAN_RGB}, "does not fit in the 3071 bytes");
  refuses({pixels_.data(), size, 1, 1 << 24, std::numeric_limits<int64_t>::max(), DCGAN_GREY}, "does not fit");
  const dcgan_image good{pixels_.data(), 32 * 96, 32, 32, 0, DCGAN_RGB};
  std::vector<float> features(2 * 128);
  EXPECT_EQ(dcgan_extract(extractor_, &good, 1, features.data(), 127), DCGAN_WRONG_ARGUMENT);
  EXPECT_STREQ(dcgan_last_error(), "there is room for 127 features; 1 x 128 are needed.");
  EXPECT_EQ(dcgan_extract(extractor_, &good, std::numeric_limits<size_t>::max(), features.data(), 256),
            DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_extract(extractor_, &good, 1, features.data(), 128), DCGAN_OK) << dcgan_last_error();
}

TEST_F(CApi, AFileThatIsNoModelAndOptionsThatAreNoneAreTheirOwnStatus) {
  dcgan_extractor* none = nullptr;
  EXPECT_EQ(dcgan_extractor_open(kPicture, nullptr, &none), DCGAN_BAD_FILE);
  EXPECT_THAT(dcgan_last_error(), HasSubstr("report.png"));
  EXPECT_EQ(dcgan_extractor_open("missing.safetensors", nullptr, &none), DCGAN_BAD_FILE);
  for (const auto& [options, why] : std::vector<std::pair<const char*, const char*>>{
           {"{", "options are no JSON: {"},
           {"[]", "options are no JSON object"},
           {R"({"resise":"area"})", "option \"resise\" is unknown; known ones: layers, grid"},
           {R"({"resize":"cubic"})", "option \"resize\" is \"cubic\""},
           {R"({"grid":3})", "--grid is 3"},
           {R"({"layers":[9]})", "--layers asks for convolution 9"},
           {R"({"batch-size":0})", "--batch-size is 0"},
           {R"({"device":"tpu"})", "tpu"}}) {
    EXPECT_EQ(dcgan_extractor_open(kModel, options, &none), DCGAN_WRONG_ARGUMENT) << options;
    EXPECT_THAT(dcgan_last_error(), HasSubstr(why));
  }
  dcgan_classifier* machine = nullptr;
  EXPECT_EQ(dcgan_classifier_open(kModel, &machine), DCGAN_BAD_FILE);
  EXPECT_THAT(dcgan_last_error(), HasSubstr("dcgan-linear-classifier"));
}

TEST_F(CApi, StatusAndMessageAreCodeAndMessageOfWhatCppThrows) {
  const auto agree = [](ErrorCode code, const std::function<void()>& cpp, const std::function<dcgan_status()>& c) {
    std::string message;
    try {
      cpp();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      message = error.what();
    }
    EXPECT_NE(message, "") << "nothing was thrown";
    EXPECT_EQ(c(), static_cast<dcgan_status>(code)) << message;
    EXPECT_EQ(dcgan_last_error(), message);
  };
  dcgan_extractor* none = nullptr;
  FeatureOptions options;
  options.layers = {9};
  agree(
      ErrorCode::kWrongArgument, [&] { FeatureExtractor(kModel, options); },
      [&] { return dcgan_extractor_open(kModel, R"({"layers":[9]})", &none); });
  agree(
      ErrorCode::kBadFile, [] { FeatureExtractor("none.safetensors"); },
      [&] { return dcgan_extractor_open("none.safetensors", nullptr, &none); });
  dcgan_picture* picture = nullptr;
  agree(
      ErrorCode::kBadImage, [] { load_image(kModel); }, [&] { return dcgan_picture_read(kModel, 0, &picture); });
  options.layers = {1};
  options.grid = 1;
  FeatureExtractor reference(kModel, options);
  reference.on_progress([](int64_t, int64_t) { throw Error(ErrorCode::kStopped, "stopped by the progress function"); });
  std::vector<float> features(128);
  const dcgan_image image{pixels_.data(), pixels_.size(), 32, 32, 0, DCGAN_RGB};
  ASSERT_EQ(dcgan_extractor_on_progress(
                extractor_, [](void*, int64_t, int64_t) { return 1; }, nullptr),
            DCGAN_OK);
  agree(
      ErrorCode::kStopped, [&] { reference.extract(pixels_.data(), 1, 32, 32, 0, features.data()); },
      [&] { return dcgan_extract(extractor_, &image, 1, features.data(), 128); });
  // A classifier of one feature fewer.
  const TemporaryFolder folder;
  const std::string path = folder / "machine.safetensors";
  LinearClassifier({{"dark", "light"}, std::vector<float>(254), {0, 1}, 1, FeatureOrigin(reference)}).save(path);
  dcgan_classifier* machine = nullptr;
  ASSERT_EQ(dcgan_classifier_open(path.c_str(), &machine), DCGAN_OK) << dcgan_last_error();
  agree(
      ErrorCode::kWrongArgument, [&] { LinearClassifier(path).require(reference); },
      [&] { return dcgan_classifier_require(machine, extractor_); });
  dcgan_classifier_close(machine);
}

TEST_F(CApi, EachThreadHasItsOwnMessage) {
  dcgan_extractor* none = nullptr;
  EXPECT_EQ(dcgan_extractor_open("here.safetensors", nullptr, &none), DCGAN_BAD_FILE);
  std::thread([] {
    EXPECT_STREQ(dcgan_last_error(), "");
    dcgan_extractor* other = nullptr;
    EXPECT_EQ(dcgan_extractor_open("there.safetensors", nullptr, &other), DCGAN_BAD_FILE);
    EXPECT_THAT(dcgan_last_error(), HasSubstr("there.safetensors"));
  }).join();
  EXPECT_THAT(dcgan_last_error(), HasSubstr("here.safetensors"));
}

TEST_F(CApi, AProgressFunctionCountsImagesAndCanStopTheWork) {
  const std::vector<dcgan_image> images(5, {pixels_.data(), pixels_.size(), 40, 40, 0, DCGAN_RGB});
  std::vector<float> features(5 * 128);
  std::vector<int64_t> counted;
  const auto count = [](void* context, int64_t done, int64_t total) {
    static_cast<std::vector<int64_t>*>(context)->push_back(done);
    return total == 5 ? 0 : 1;
  };
  ASSERT_EQ(dcgan_extractor_on_progress(extractor_, count, &counted), DCGAN_OK);
  ASSERT_EQ(dcgan_extract(extractor_, images.data(), 5, features.data(), features.size()), DCGAN_OK);
  EXPECT_THAT(counted, testing::ElementsAre(2, 4, 5));  // batches of two
  const auto stop = [](void*, int64_t done, int64_t) { return done >= 4 ? 1 : 0; };
  ASSERT_EQ(dcgan_extractor_on_progress(extractor_, stop, nullptr), DCGAN_OK);
  EXPECT_EQ(dcgan_extract(extractor_, images.data(), 5, features.data(), features.size()), DCGAN_STOPPED);
  ASSERT_EQ(dcgan_extractor_on_progress(extractor_, nullptr, nullptr), DCGAN_OK);
  EXPECT_EQ(dcgan_extract(extractor_, images.data(), 5, features.data(), features.size()), DCGAN_OK);
}

TEST_F(CApi, DecodesWhatThePixelsAreAndSaysWhyNot) {
  dcgan_picture* picture = nullptr;
  ASSERT_EQ(dcgan_picture_read(kPicture, 0, &picture), DCGAN_OK) << dcgan_last_error();
  const dcgan_image image = dcgan_picture_image(picture);
  const LoadedImage same = load_image(kPicture);
  EXPECT_EQ(image.width, same.width);
  EXPECT_EQ(image.height, same.height);
  EXPECT_EQ(std::vector<uint8_t>(image.pixels, image.pixels + image.size), same.pixels);
  std::vector<float> features(128);
  EXPECT_EQ(dcgan_extract(extractor_, &image, 1, features.data(), 128), DCGAN_OK) << dcgan_last_error();
  dcgan_picture_close(picture);

  std::ifstream file(kPicture, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto* start = reinterpret_cast<const uint8_t*>(bytes.data());
  ASSERT_EQ(dcgan_picture_decode(start, bytes.size(), 0, &picture), DCGAN_OK);
  EXPECT_EQ(dcgan_picture_image(picture).width, same.width);
  dcgan_picture_close(picture);
  EXPECT_EQ(dcgan_picture_decode(start, bytes.size() / 2, 0, &picture), DCGAN_BAD_IMAGE);
  EXPECT_EQ(picture, nullptr);
  EXPECT_THAT(dcgan_last_error(), HasSubstr("damaged or truncated PNG"));
  EXPECT_EQ(dcgan_picture_read(kPicture, 100, &picture), DCGAN_BAD_IMAGE);
  EXPECT_THAT(dcgan_last_error(), HasSubstr("larger than --max-pixels 100"));
  EXPECT_EQ(dcgan_picture_read(kPicture, -1, &picture), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(dcgan_picture_read("none.png", 0, &picture), DCGAN_BAD_IMAGE);
  EXPECT_THAT(dcgan_last_error(), HasSubstr("none.png: cannot be opened"));
}

// As many files of the same two pictures, and between them some that give none.
class Files : public CApi {
 protected:
  Files() {
    std::ofstream(broken_) << "no picture";
    for (int i = 0; i < 600; ++i) paths_.push_back(i % 100 == 7 ? broken_ : i % 2 == 0 ? kColoured : kOther);
    for (const std::string& path : paths_) names_.push_back(path.c_str());
    features_.assign(paths_.size() * 128, -1);
  }

  // The row of a file: of kColoured, kOther or none.
  void expect_row(size_t i) {
    const std::vector<float> row(features_.begin() + static_cast<int64_t>(i) * 128,
                                 features_.begin() + static_cast<int64_t>(i + 1) * 128);
    if (paths_[i] == broken_) {
      EXPECT_TRUE(std::all_of(row.begin(), row.end(), [](float x) { return std::isnan(x); })) << i;
    } else {
      EXPECT_EQ(row, paths_[i] == kColoured ? picture_row_ : other_row_) << i;
    }
  }

  std::vector<float> row_of(const char* path) {
    const LoadedImage image = load_image(path);
    const ImageView view = image.view();
    std::vector<float> row(128);
    reference_.extract(&view, 1, row.data());
    return row;
  }

  static constexpr const char* kColoured = DCGAN_SOURCE_DIR "/tests/golden/data/images/rgba.png";
  static constexpr const char* kOther = DCGAN_SOURCE_DIR "/tests/golden/data/images/subsampled.jpg";
  const TemporaryFolder folder_;
  const std::string broken_ = folder_ / "broken.png";
  FeatureExtractor reference_ = FeatureExtractor(kModel, [] {
    FeatureOptions options;
    options.layers = {1};
    options.grid = 1;
    return options;
  }());
  const std::vector<float> picture_row_ = row_of(kColoured), other_row_ = row_of(kOther);
  std::vector<std::string> paths_;
  std::vector<const char*> names_;
  std::vector<float> features_;
};

TEST_F(Files, ManyFilesGiveTheFeaturesOfTheirPicturesAndEachBrokenOneIsToldOf) {
  std::vector<int64_t> told;
  const auto failed = [](void* context, int64_t number, const char* reason) {
    EXPECT_THAT(reason, testing::StartsWith("not an image"));
    static_cast<std::vector<int64_t>*>(context)->push_back(number);
  };
  ASSERT_EQ(dcgan_extract_files(extractor_, names_.data(), names_.size(), 0, features_.data(), features_.size(), failed,
                                &told),
            DCGAN_OK)
      << dcgan_last_error();
  EXPECT_THAT(told, testing::ElementsAre(7, 107, 207, 307, 407, 507));
  for (size_t i = 0; i < paths_.size(); ++i) expect_row(i);
  const std::vector<float> from_c = features_;
  features_.assign(features_.size(), -1);
  std::vector<int64_t> numbers;
  extract_files(reference_, paths_, features_.data(), [&](int64_t number, const std::string& reason) {
    EXPECT_THAT(reason, testing::StartsWith("not an image"));
    numbers.push_back(number);
  });
  EXPECT_THAT(numbers, testing::ElementsAre(7, 107, 207, 307, 407, 507));
  EXPECT_EQ(std::memcmp(features_.data(), from_c.data(), from_c.size() * sizeof(float)), 0);
}

TEST_F(Files, ThatLieInMemoryGiveTheSame) {
  std::vector<int64_t> told;
  const auto failed = [](void* context, int64_t number, const char*) {
    static_cast<std::vector<int64_t>*>(context)->push_back(number);
  };
  std::vector<std::string> contents;
  for (const std::string& path : paths_) contents.push_back(bytes_of(path));
  std::vector<const uint8_t*> files;
  std::vector<size_t> sizes;
  for (const std::string& content : contents) {
    files.push_back(reinterpret_cast<const uint8_t*>(content.data()));
    sizes.push_back(content.size());
  }
  ASSERT_EQ(dcgan_extract_encoded(extractor_, files.data(), sizes.data(), files.size(), 0, features_.data(),
                                  features_.size(), failed, &told),
            DCGAN_OK)
      << dcgan_last_error();
  EXPECT_THAT(told, testing::ElementsAre(7, 107, 207, 307, 407, 507));
  for (size_t i = 0; i < paths_.size(); ++i) expect_row(i);
  const auto status = [&](const uint8_t* const* bytes, const size_t* counts, size_t count, size_t capacity) {
    return dcgan_extract_encoded(extractor_, bytes, counts, count, 0, features_.data(), capacity, nullptr, nullptr);
  };
  EXPECT_EQ(status(files.data(), sizes.data(), 8, features_.size()), DCGAN_BAD_IMAGE);
  EXPECT_THAT(dcgan_last_error(), testing::StartsWith("image 7: not an image"));
  EXPECT_EQ(status(nullptr, sizes.data(), 1, 128), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(status(files.data(), nullptr, 1, 128), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(status(files.data(), sizes.data(), 1, 127), DCGAN_WRONG_ARGUMENT);
  const uint8_t* const none = nullptr;
  EXPECT_EQ(status(&none, sizes.data(), 1, 128), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(status(nullptr, nullptr, 0, 0), DCGAN_OK);
}

TEST_F(Files, ProgressCountsFilesAndStopsTheWorkWhichLeavesTheRowsThatWereDone) {
  const auto ignore = [](void*, int64_t, const char*) {};
  std::vector<int64_t> counted;
  const auto count = [](void* context, int64_t done, int64_t total) {
    static_cast<std::vector<int64_t>*>(context)->push_back(done);
    return total == 600 ? 0 : 1;
  };
  ASSERT_EQ(dcgan_extractor_on_progress(extractor_, count, &counted), DCGAN_OK);
  const auto extract = [&] {
    return dcgan_extract_files(extractor_, names_.data(), names_.size(), 0, features_.data(), features_.size(), ignore,
                               nullptr);
  };
  ASSERT_EQ(extract(), DCGAN_OK) << dcgan_last_error();
  EXPECT_THAT(counted, testing::ElementsAre(256, 512, 600));
  // Still there afterwards, for images too.
  const dcgan_image image{pixels_.data(), pixels_.size(), 32, 32, 0, DCGAN_RGB};
  EXPECT_EQ(dcgan_extract(extractor_, &image, 1, features_.data(), 128), DCGAN_STOPPED);
  features_.assign(features_.size(), -1);
  const auto stop = [](void*, int64_t done, int64_t) { return done >= 512 ? 1 : 0; };
  ASSERT_EQ(dcgan_extractor_on_progress(extractor_, stop, nullptr), DCGAN_OK);
  EXPECT_EQ(extract(), DCGAN_STOPPED);
  for (size_t i = 0; i < 512; ++i) expect_row(i);
  EXPECT_EQ(features_[512 * 128], -1);
  // Whatever it throws in C++.
  reference_.on_progress([](int64_t done, int64_t) {
    if (done >= 256) throw std::domain_error("enough");
  });
  EXPECT_THROW(extract_files(reference_, paths_, features_.data(), [](int64_t, const std::string&) {}),
               std::domain_error);
}

TEST_F(Files, WhatCannotBeIsAStatus) {
  const auto status = [&](const char* const* names, size_t count, int64_t most, float* features, size_t capacity) {
    return dcgan_extract_files(extractor_, names, count, most, features, capacity, nullptr, nullptr);
  };
  float* const room = features_.data();
  EXPECT_EQ(dcgan_extract_files(nullptr, names_.data(), 1, 0, room, 128, nullptr, nullptr), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(status(nullptr, 1, 0, room, 128), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(status(names_.data(), 1, 0, nullptr, 128), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(status(names_.data(), 1, 0, room, 127), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(status(names_.data(), 1, -1, room, 128), DCGAN_WRONG_ARGUMENT);
  const char* const none = nullptr;
  EXPECT_EQ(status(&none, 1, 0, room, 128), DCGAN_WRONG_ARGUMENT);
  EXPECT_EQ(status(nullptr, 0, 0, nullptr, 0), DCGAN_OK) << "nothing to do";
  EXPECT_EQ(status(names_.data(), 8, 0, room, features_.size()), DCGAN_BAD_IMAGE) << "the eighth is broken";
  EXPECT_THAT(dcgan_last_error(), testing::StartsWith(broken_ + ": not an image"));
  EXPECT_EQ(status(names_.data(), 1, 100, room, 128), DCGAN_BAD_IMAGE);
  EXPECT_THAT(dcgan_last_error(), HasSubstr("larger than --max-pixels 100"));
}

TEST_F(CApi, AClassifierScoresTheFeaturesThatItKnows) {
  FeatureOptions options;
  options.layers = {1};
  options.grid = 1;
  const FeatureExtractor reference(kModel, options);
  const TemporaryFolder folder;
  const std::string path = folder / "machine.safetensors";
  LinearClassifier({{"dark", "light"}, std::vector<float>(256, 0.5F), {0, 1}, 1, FeatureOrigin(reference)}).save(path);
  dcgan_classifier* machine = nullptr;
  ASSERT_EQ(dcgan_classifier_open(path.c_str(), &machine), DCGAN_OK) << dcgan_last_error();
  EXPECT_EQ(dcgan_classifier_class_count(machine), 2);
  EXPECT_EQ(dcgan_classifier_feature_count(machine), 128);
  EXPECT_STREQ(dcgan_classifier_class(machine, 1), "light");
  EXPECT_EQ(dcgan_classifier_class(machine, 2), nullptr);
  EXPECT_EQ(dcgan_classifier_class(machine, -1), nullptr);
  EXPECT_EQ(dcgan_classifier_require(machine, extractor_), DCGAN_OK) << dcgan_last_error();
  dcgan_extractor *same = nullptr, *other = nullptr;
  ASSERT_EQ(dcgan_extractor_open(kModel, dcgan_classifier_options(machine), &same), DCGAN_OK) << dcgan_last_error();
  EXPECT_EQ(dcgan_classifier_require(machine, same), DCGAN_OK);
  ASSERT_EQ(dcgan_extractor_open(kModel, R"({"layers":[1],"grid":1,"resize":"area"})", &other), DCGAN_OK);
  EXPECT_EQ(dcgan_classifier_require(machine, other), DCGAN_WRONG_ARGUMENT);
  EXPECT_THAT(dcgan_last_error(), HasSubstr("the preprocessing is"));
  const std::vector<float> features(128, 2.0F);
  std::vector<double> scores(2);
  EXPECT_EQ(dcgan_classifier_score(machine, features.data(), 1, scores.data(), 1), DCGAN_WRONG_ARGUMENT);
  ASSERT_EQ(dcgan_classifier_score(machine, features.data(), 1, scores.data(), 2), DCGAN_OK);
  EXPECT_THAT(scores, testing::ElementsAre(128, 129));
  dcgan_extractor_close(same);
  dcgan_extractor_close(other);
  dcgan_classifier_close(machine);
}

TEST_F(CApi, ACompressionIsAnOptionOfTheExtractor) {
  FeatureOptions options;
  options.layers = {1};
  options.grid = 1;
  const FeatureExtractor reference(kModel, options);
  const TemporaryFolder folder;
  CompressionMap map;
  map.dimensions = 2;
  map.model_sha256 = reference.model_sha256();
  map.layers = options.layers;
  map.grid = options.grid;
  map.preprocessing = reference.preprocessing();
  map.weights.assign(2 * 128, 1);
  map.offsets = {0, 1};
  const std::string path = folder / "pca.safetensors";
  FeatureCompression::save(path, map);
  const std::string text = R"({"layers":[1],"grid":1,"compress":")" + path + "\"}";
  dcgan_extractor* compressed = nullptr;
  ASSERT_EQ(dcgan_extractor_open(kModel, text.c_str(), &compressed), DCGAN_OK) << dcgan_last_error();
  EXPECT_EQ(dcgan_extractor_feature_count(compressed), 2);
  dcgan_extractor_close(compressed);
  EXPECT_EQ(dcgan_extractor_open(kModel, R"({"compress":"none.safetensors"})", &compressed), DCGAN_BAD_FILE);
  EXPECT_THAT(dcgan_last_error(), HasSubstr("none.safetensors"));
  const std::string all = R"({"grid":1,"compress":")" + path + "\"}";  // was fitted to one layer
  EXPECT_EQ(dcgan_extractor_open(kModel, all.c_str(), &compressed), DCGAN_WRONG_ARGUMENT);
  EXPECT_THAT(dcgan_last_error(), HasSubstr("the list of layers is"));
  EXPECT_EQ(compressed, nullptr);
}

}  // namespace
}  // namespace dcgan::test
