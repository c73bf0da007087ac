// The C API: whatever a caller gives, a status comes back. The bytes say what is called, and with what: options, models
// and pictures of any content, images of any claimed sizes in memory of a few KiB, null pointers, room that is too
// small. One open extractor is used all along; what a call leaves behind would show in the next.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/c_api.h"
#include "tests/fuzz/bytes_as_file.h"

namespace {

// Takes values off the front; zeros where nothing is left.
class Bytes {
 public:
  Bytes(const uint8_t* bytes, size_t count) : bytes_(bytes, bytes + count) {}
  int64_t number(size_t width) {
    uint64_t value = 0;
    for (size_t i = 0; i < width && at_ < bytes_.size(); ++i) value |= uint64_t{bytes_[at_++]} << (8 * i);
    return static_cast<int64_t>(value);
  }
  std::string rest() const { return {bytes_.begin() + static_cast<int64_t>(at_), bytes_.end()}; }

 private:
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
};

constexpr const char* kSmallModel = DCGAN_SOURCE_DIR "/tests/golden/explore/model.safetensors";

dcgan_extractor* open_extractor() {
  static dcgan_extractor* const extractor = [] {
    dcgan_extractor* opened = nullptr;
    if (dcgan_extractor_open(kSmallModel, R"({"layers":[1],"grid":1,"threads":1,"device":"cpu"})", &opened) !=
        DCGAN_OK) {
      std::abort();
    }
    return opened;
  }();
  return extractor;
}

void check(dcgan_status status) {
  if (status < DCGAN_OK || status > DCGAN_STOPPED) std::abort();
  if (status != DCGAN_OK && *dcgan_last_error() == '\0') std::abort();  // a failure without a sentence
}

int stop_at(void* context, int64_t done, int64_t /*total*/) { return done > *static_cast<int64_t*>(context) ? 1 : 0; }

void extract(Bytes& bytes) {
  dcgan_extractor* const extractor = open_extractor();
  int64_t most = bytes.number(1);
  check(dcgan_extractor_on_progress(extractor, bytes.number(1) % 2 ? stop_at : nullptr, &most));
  std::vector<dcgan_image> images(static_cast<size_t>(bytes.number(1)) % 4);
  std::vector<std::unique_ptr<uint8_t[]>> memory;  // each image its own, so that a read beyond its end is seen
  for (dcgan_image& image : images) {
    image.size = static_cast<size_t>(bytes.number(2)) % 20'000;
    memory.push_back(std::make_unique<uint8_t[]>(image.size));
    image.pixels = bytes.number(1) == 255 ? nullptr : memory.back().get();
    const auto width = static_cast<size_t>(bytes.number(1)) % 9;
    image.width = bytes.number(width);
    image.height = bytes.number(width);
    image.stride = bytes.number(static_cast<size_t>(bytes.number(1)) % 9);
    image.format = static_cast<int32_t>(bytes.number(1)) - 1;
  }
  // Of images that are taken, only those that are quickly resized.
  for (const dcgan_image& image : images) {
    if (image.height > 5'000 && image.height <= (1 << 24) && image.width < 10) return;
  }
  const auto count = static_cast<size_t>(dcgan_extractor_feature_count(extractor));
  std::vector<float> features(std::min<size_t>(static_cast<size_t>(bytes.number(2)), 4 * count));
  check(dcgan_extract(bytes.number(1) == 255 ? nullptr : extractor, images.data(), images.size(), features.data(),
                      features.size()));
}

void open_with_options(const std::string& options) {
  dcgan_extractor* opened = nullptr;
  check(dcgan_extractor_open(kSmallModel, options.c_str(), &opened));
  dcgan_extractor_info(opened);
  dcgan_extractor_close(opened);
}

void open_files(const std::string& content) {
  const dcgan::test::BytesAsFile file(reinterpret_cast<const uint8_t*>(content.data()), content.size());
  dcgan_classifier* machine = nullptr;
  check(dcgan_classifier_open(file.path().c_str(), &machine));
  if (machine != nullptr) {
    const auto columns = static_cast<size_t>(dcgan_classifier_feature_count(machine));
    const auto classes = static_cast<size_t>(dcgan_classifier_class_count(machine));
    std::vector<float> features(columns);
    std::vector<double> scores(classes);
    check(dcgan_classifier_score(machine, features.data(), 1, scores.data(), scores.size()));
    check(dcgan_classifier_require(machine, open_extractor()));
    open_with_options(dcgan_classifier_options(machine));
    for (int64_t k = -1; k <= static_cast<int64_t>(classes); ++k) dcgan_classifier_class(machine, k);
  }
  dcgan_classifier_close(machine);
  dcgan_extractor* extractor = nullptr;
  check(dcgan_extractor_open(file.path().c_str(), nullptr, &extractor));
  dcgan_extractor_close(extractor);
}

void note(void* context, int64_t number, const char* reason) {
  if (*reason == '\0') std::abort();
  static_cast<std::vector<int64_t>*>(context)->push_back(number);
}

// Up to three files, of which the second may be a folder's name, a name of nothing or null; or in memory, of which it
// may be empty or null.
void extract_files(Bytes& bytes) {
  dcgan_extractor* const extractor = open_extractor();
  int64_t most = bytes.number(1);
  check(dcgan_extractor_on_progress(extractor, bytes.number(1) % 2 ? stop_at : nullptr, &most));
  const auto count = static_cast<size_t>(bytes.number(1)) % 4;
  const int64_t kind = bytes.number(1) % 8, other = kind % 4;
  const bool told = bytes.number(1) % 2 == 1;
  const int64_t max_pixels = bytes.number(1) == 255 ? ~bytes.number(8) : 1 + bytes.number(2);
  const auto columns = static_cast<size_t>(dcgan_extractor_feature_count(extractor));
  std::vector<float> features(bytes.number(1) == 255 ? columns - 1 : count * columns);
  const std::string content = bytes.rest();
  const dcgan::test::BytesAsFile file(reinterpret_cast<const uint8_t*>(content.data()), content.size());
  std::vector<const char*> paths(count, file.path().c_str());
  if (count > 1 && other > 0) paths[1] = other == 1 ? "/" : other == 2 ? "" : nullptr;
  std::vector<const uint8_t*> images(count, reinterpret_cast<const uint8_t*>(content.data()));
  std::vector<size_t> sizes(count, content.size());
  if (count > 1 && other > 0) sizes[1] = 0;
  if (count > 1 && other == 3) images[1] = nullptr;
  std::vector<int64_t> failures;
  const dcgan_failure failed = told ? note : nullptr;
  const dcgan_status status = kind < 4
                                  ? dcgan_extract_files(extractor, paths.data(), count, max_pixels, features.data(),
                                                        features.size(), failed, &failures)
                                  : dcgan_extract_encoded(extractor, images.data(), sizes.data(), count, max_pixels,
                                                          features.data(), features.size(), failed, &failures);
  check(status);
  if (!std::is_sorted(failures.begin(), failures.end()) || failures.size() > count) std::abort();
  if (status == DCGAN_OK && !told && count > 1 && other > 0) std::abort();  // the second is no image
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  Bytes input(bytes, count);
  switch (input.number(1) % 4) {
    case 0:
      extract(input);
      break;
    case 1:
      open_with_options(input.rest());
      break;
    case 2:
      open_files(input.rest());
      break;
    default:
      extract_files(input);
  }
  return 0;
}
