#include "data/rendered_set.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <opencv2/core/version.hpp>

#include "data/image_library.h"
#include "dcgan/errors.h"
#include "dcgan/options.h"

namespace dcgan::data {

RgbImage render_digit(uint64_t seed, RenderedSplit split, int64_t index) {
  return image_library().render_digit(seed, split, index);
}

void check(const RenderOptions& options) { require_option(options.count >= 1, "count", options.count, "positive"); }

RenderedSet::RenderedSet(const RenderOptions& options, uint64_t seed) : options_(options), seed_(seed) {
  check(options);
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
  for (int64_t i = first; i < first + count; ++i) images.push_back({render_digit(seed_, options_.split, i), ""});
  return images;
}

std::string RenderedSet::description() const {
  return nlohmann::ordered_json(
             {{"kind", "rendered digits"}, {"split", to_name(options_.split)}, {"seed", seed_}, {"opencv", CV_VERSION}})
      .dump();
}

}  // namespace dcgan::data
