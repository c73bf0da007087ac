#include "data/rendered_set.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <opencv2/core/version.hpp>

#include "data/image_library.h"
#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/seeds.h"

namespace dcgan::data {
namespace {

void paint(RgbImage& image, const Box& box) {
  for (int64_t y = box.y; y < box.y + box.height; ++y) {
    for (int64_t x = box.x; x < box.x + box.width; ++x) {
      std::copy(kPlantedColour.begin(), kPlantedColour.end(), image.pixels.begin() + (y * image.width + x) * 3);
    }
  }
}

}  // namespace

RgbImage render_digit(uint64_t seed, RenderedSplit split, int64_t index) {
  return image_library().render_digit(seed, split, index);
}

Box planted_box(uint64_t seed, RenderedSplit split, int64_t index) {
  constexpr uint64_t kPlaces = kRenderedSide - kPlantedSide + 1;
  const uint64_t draw =
      derive_seed(seed, "plant " + to_name(split), static_cast<uint64_t>(index)) % (kPlaces * kPlaces);
  return {index, static_cast<int64_t>(draw % kPlaces), static_cast<int64_t>(draw / kPlaces), kPlantedSide,
          kPlantedSide};
}

void check(const RenderOptions& options) { require_option(options.count >= 1, "count", options.count, "positive"); }

RenderedSet::RenderedSet(const RenderOptions& options, uint64_t seed) : options_(options), seed_(seed) {
  check(options);
  image_library();  // before threads draw
  if (options.split == RenderedSplit::kUnlabelled) return;
  for (int64_t digit = 0; digit < kRenderedClasses; ++digit) classes_.push_back(std::to_string(digit));
}

std::string RenderedSet::path(int64_t i) const {
  const std::string number = std::to_string(i);
  return text_of(to_name(options_.split), "/", std::string(8 - std::min<size_t>(8, number.size()), '0'), number, "-",
                 i % kRenderedClasses);
}

std::vector<DecodedImage> RenderedSet::load(int64_t first, int64_t count) const {
  std::vector<DecodedImage> images;
  for (int64_t i = first; i < first + count; ++i) {
    images.push_back({render_digit(seed_, options_.split, i), ""});
    if (options_.plant) paint(images.back().image, planted_box(seed_, options_.split, i));
  }
  return images;
}

std::string RenderedSet::description() const {
  nlohmann::ordered_json all = {
      {"kind", "rendered digits"}, {"split", to_name(options_.split)}, {"seed", seed_}, {"opencv", CV_VERSION}};
  if (options_.plant) all["planted"] = {{"side", kPlantedSide}, {"colour", kPlantedColour}};
  return all.dump();
}

}  // namespace dcgan::data
