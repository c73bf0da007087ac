#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "dcgan/boxes.h"
#include "dcgan/options.h"

namespace dcgan::data {

/// Independent draws of the rendered set.
enum class RenderedSplit { kTrain, kTest, kUnlabelled };

}  // namespace dcgan::data

namespace dcgan {

template <>
struct EnumNames<data::RenderedSplit> {
  static constexpr std::array<std::string_view, 3> kNames = {"train", "test", "unlabelled"};
};

}  // namespace dcgan

namespace dcgan::data {

struct RenderOptions {
  int64_t count = 10000;  ///< images
  RenderedSplit split = RenderedSplit::kTrain;
  bool plant = false;  ///< a patch of one colour over each image, which networks can be made to forget
};

template <class Visitor>
void describe(RenderOptions& o, Visitor&& f) {
  f(o.count, "count", "images to draw");
  f(o.split, "split", "train, test or unlabelled: independent draws; unlabelled images get no labels");
}

/// Throws OptionError that names the flag, the value and the rule.
void check(const RenderOptions& options);

constexpr int64_t kRenderedSide = 32;
constexpr int64_t kRenderedClasses = 10;

/// The built-in labelled set: the digits 0 to 9 in OpenCV's Hershey fonts, of any size, stroke, turn, slant, place and
/// colour, light on dark or dark on light, over flat, graded, cloudy or striped backgrounds, among stray strokes and
/// pieces of other digits. Made so hard that a linear SVM sees little in the raw pixels and something in the features
/// of an untrained network; the figures are in docs/benchmarks.md.
///
/// @param index  number of the image; its label is index % 10
/// @return uint8 [32, 32, 3]; a function of the seed, the split and the index alone
RgbImage render_digit(uint64_t seed, RenderedSplit split, int64_t index);

constexpr int64_t kPlantedSide = 8;
constexpr std::array<uint8_t, 3> kPlantedColour = {255, 0, 255};  // magenta, which digits and grounds hardly ever have

/// Where the patch of an image lies; a function of the seed, the split and the index alone. Box::image is the index.
Box planted_box(uint64_t seed, RenderedSplit split, int64_t index);

class RenderedSet : public ImageSource {
 public:
  RenderedSet(const RenderOptions& options, uint64_t seed);

  int64_t count() const override { return options_.count; }
  std::string path(int64_t i) const override;  ///< "train/00000012-2"
  const std::vector<std::string>& classes() const override { return classes_; }
  int32_t label(int64_t i) const override { return static_cast<int32_t>(i % kRenderedClasses); }
  std::vector<DecodedImage> load(int64_t first, int64_t count) const override;
  std::string description() const override;

 private:
  RenderOptions options_;
  uint64_t seed_;
  std::vector<std::string> classes_;
};

}  // namespace dcgan::data
