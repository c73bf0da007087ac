#include "dcgan/c_api.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "base/options_json.h"
#include "c_api/extractor.h"
#include "c_api/guard.h"
#include "dcgan/linear_classifier.h"
#include "dcgan/version.h"

struct dcgan_classifier {
  dcgan::LinearClassifier classifier;
  std::string options;
};

namespace dcgan {
namespace {

// FeatureOptions with what the programs take from their common options.
struct ExtractorOptions {
  FeatureOptions features;
};

template <class Visitor>
void describe(ExtractorOptions& o, Visitor&& f) {
  describe(o.features, f);
  f(o.features.threads, "threads", "threads; 0: one per core");
  f(o.features.device, "device", "auto, cpu or cuda[:N]");
}

FeatureOptions options_of(const char* text) {
  if (text == nullptr) return {};
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (json.is_discarded()) throw OptionError("options are no JSON: ", text);
  try {
    FeatureOptions options = options_from_json<ExtractorOptions>(json).features;
    options.resize_is_chosen = json.contains("resize");
    return options;
  } catch (const Error& e) {  // of JSON that may be of a file, too
    throw OptionError(e.what());
  }
}

std::string info_of(const FeatureExtractor& extractor) {
  return nlohmann::ordered_json({{"image_size", extractor.image_size()},
                                 {"feature_count", extractor.feature_count()},
                                 {"layers", extractor.layers()},
                                 {"layer_offsets", extractor.layer_offsets()},
                                 {"grid", extractor.grid()},
                                 {"model_sha256", extractor.model_sha256()},
                                 {"architecture", nlohmann::ordered_json::parse(extractor.architecture())},
                                 {"preprocessing", nlohmann::ordered_json::parse(extractor.preprocessing())},
                                 {"device", extractor.device()}})
      .dump();
}

// The memory that a caller says is there must hold the image.
ImageView view_of(const dcgan_image& image) {
  const ImageView view{image.pixels, image.width, image.height, image.stride, static_cast<PixelFormat>(image.format)};
  check(view);
  // Sides are at most 2^24: without the distance of rows nothing here overflows.
  const auto size = static_cast<uint64_t>(image.size), row = static_cast<uint64_t>(view.row_bytes());
  const auto rows_before_last = static_cast<uint64_t>(view.height - 1);
  const auto distance = static_cast<uint64_t>(view.row_distance());
  if (size < row || (rows_before_last > 0 && distance > (size - row) / rows_before_last)) {
    throw OptionError("an image of ", view.width, " x ", view.height, " pixels with rows ", distance,
                      " bytes apart does not fit in the ", size, " bytes that are there.");
  }
  return view;
}

}  // namespace
}  // namespace dcgan

using dcgan::c_api::guarded;
using dcgan::c_api::require_pointer;
using dcgan::c_api::require_room;

extern "C" {

const char* dcgan_version(void) { return DCGAN_VERSION; }

dcgan_status dcgan_extractor_open(const char* model_file, const char* options, dcgan_extractor** extractor) {
  if (extractor != nullptr) *extractor = nullptr;
  return guarded([&] {
    require_pointer(extractor, "the place for the extractor");
    require_pointer(model_file, "the name of the model file");
    auto opened = std::make_unique<dcgan_extractor>(
        dcgan_extractor{dcgan::FeatureExtractor(model_file, dcgan::options_of(options)), {}, {}});
    opened->info = dcgan::info_of(opened->extractor);
    *extractor = opened.release();
  });
}

int64_t dcgan_extractor_image_size(const dcgan_extractor* extractor) {
  return extractor == nullptr ? 0 : extractor->extractor.image_size();
}

int64_t dcgan_extractor_feature_count(const dcgan_extractor* extractor) {
  return extractor == nullptr ? 0 : extractor->extractor.feature_count();
}

const char* dcgan_extractor_info(const dcgan_extractor* extractor) {
  return extractor == nullptr ? "{}" : extractor->info.c_str();
}

dcgan_status dcgan_extractor_on_progress(dcgan_extractor* extractor, dcgan_progress progress, void* context) {
  return guarded([&] {
    require_pointer(extractor, "the extractor");
    if (progress == nullptr) {
      extractor->extractor.on_progress(nullptr);
      return;
    }
    extractor->extractor.on_progress([progress, context](int64_t done, int64_t total) {
      if (progress(context, done, total) != 0) {
        throw dcgan::Error(dcgan::ErrorCode::kStopped, "stopped by the progress function");
      }
    });
  });
}

dcgan_status dcgan_extract(dcgan_extractor* extractor, const dcgan_image* images, size_t count, float* features,
                           size_t capacity) {
  return guarded([&] {
    require_pointer(extractor, "the extractor");
    if (count == 0) return;
    require_pointer(images, "the array of images");
    require_pointer(features, "the array of features");
    require_room(count, static_cast<size_t>(extractor->extractor.feature_count()), capacity, "features");
    extractor->views.clear();
    for (size_t i = 0; i < count; ++i) extractor->views.push_back(dcgan::view_of(images[i]));
    extractor->extractor.extract(extractor->views.data(), static_cast<int64_t>(count), features);
  });
}

void dcgan_extractor_close(dcgan_extractor* extractor) { delete extractor; }

dcgan_status dcgan_classifier_open(const char* file, dcgan_classifier** classifier) {
  if (classifier != nullptr) *classifier = nullptr;
  return guarded([&] {
    require_pointer(classifier, "the place for the classifier");
    require_pointer(file, "the name of the classifier's file");
    auto opened = std::make_unique<dcgan_classifier>(dcgan_classifier{dcgan::LinearClassifier(file), {}});
    opened->options = dcgan::options_to_json(opened->classifier.feature_options()).dump();
    *classifier = opened.release();
  });
}

int64_t dcgan_classifier_class_count(const dcgan_classifier* classifier) {
  return classifier == nullptr ? 0 : static_cast<int64_t>(classifier->classifier.classes().size());
}

int64_t dcgan_classifier_feature_count(const dcgan_classifier* classifier) {
  return classifier == nullptr ? 0 : classifier->classifier.feature_count();
}

const char* dcgan_classifier_class(const dcgan_classifier* classifier, int64_t number) {
  if (number < 0 || number >= dcgan_classifier_class_count(classifier)) return nullptr;
  return classifier->classifier.classes()[number].c_str();
}

const char* dcgan_classifier_options(const dcgan_classifier* classifier) {
  return classifier == nullptr ? "{}" : classifier->options.c_str();
}

dcgan_status dcgan_classifier_require(const dcgan_classifier* classifier, const dcgan_extractor* extractor) {
  return guarded([&] {
    require_pointer(classifier, "the classifier");
    require_pointer(extractor, "the extractor");
    classifier->classifier.require(extractor->extractor);
  });
}

dcgan_status dcgan_classifier_score(const dcgan_classifier* classifier, const float* features, size_t count,
                                    double* scores, size_t capacity) {
  return guarded([&] {
    require_pointer(classifier, "the classifier");
    if (count == 0) return;
    require_pointer(features, "the array of features");
    require_pointer(scores, "the array of scores");
    require_room(count, classifier->classifier.classes().size(), capacity, "scores");
    classifier->classifier.score(features, static_cast<int64_t>(count), scores);
  });
}

void dcgan_classifier_close(dcgan_classifier* classifier) { delete classifier; }

}  // extern "C"
