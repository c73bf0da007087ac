#include "train/views.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "nn/networks.h"
#include "tests/support/tensor_near.h"

namespace dcgan::train {
namespace {

std::vector<uint8_t> image(int64_t side) {
  std::vector<uint8_t> pixels;
  for (int64_t i = 0; i < side * side * 3; ++i) pixels.push_back(static_cast<uint8_t>((7 * i * i + 13 * i) % 251));
  return pixels;
}

// float32 [size, size, 3]
at::Tensor rendered(const View& view, const std::vector<uint8_t>& pixels, int64_t side, int64_t size) {
  const at::Tensor image = at::from_blob(const_cast<uint8_t*>(pixels.data()), {1, side, side, 3}, at::kByte);
  return render({view}, image, size).permute({0, 2, 3, 1}).squeeze(0);
}

at::Tensor as_values(const std::vector<uint8_t>& pixels, int64_t side) {
  return at::from_blob(const_cast<uint8_t*>(pixels.data()), {side, side, 3}, at::kByte)
      .to(at::kFloat)
      .div(127.5)
      .sub(1);
}

TEST(Views, OfTheWholeImageAndItsColoursAreTheImage) {
  const std::vector<uint8_t> pixels = image(8);
  EXPECT_THAT(rendered({}, pixels, 8, 8), test::tensor_near(as_values(pixels, 8), 1e-5));
  View mirrored;
  mirrored.mirrored = true;
  EXPECT_THAT(rendered(mirrored, pixels, 8, 8), test::tensor_near(as_values(pixels, 8).flip(1), 1e-5));
}

// tests/golden/make_views.py: Pillow's resize() and numpy.
TEST(Views, AgreeWithPillowAndWithTheDefinitionsOfTheColours) {
  std::ifstream file(DCGAN_SOURCE_DIR "/tests/golden/data/train/views.json");
  const auto golden = nlohmann::json::parse(file);
  for (const auto& entry : golden["views"]) {
    View view;
    view.left = entry["left"];
    view.top = entry["top"];
    view.width = entry["width"];
    view.height = entry["height"];
    view.mirrored = entry["mirrored"];
    view.brightness = entry["brightness"];
    view.contrast = entry["contrast"];
    view.saturation = entry["saturation"];
    view.hue = entry["hue"];
    view.grey = entry["grey"];
    const int64_t side = entry["side"], size = entry["size"];
    std::vector<float> values = entry["values"];
    EXPECT_THAT(rendered(view, image(side), side, size),
                test::tensor_near(at::from_blob(values.data(), {size, size, 3}), 2e-5))
        << entry.dump().substr(0, 200);
  }
}

TEST(Views, AreDrawnFromTheDistributionsThatTheyAreSaidToBeFrom) {
  constexpr int kViews = 4000;
  double area = 0, least = 1, most = 0, mirrored = 0, coloured = 0, grey = 0;
  for (uint64_t seed = 0; seed < kViews; ++seed) {
    const View view = draw_view(seed);
    EXPECT_GE(view.left, 0);
    EXPECT_GE(view.top, 0);
    EXPECT_LE(view.left + view.width, 1 + 1e-12);
    EXPECT_LE(view.top + view.height, 1 + 1e-12);
    EXPECT_LE(view.width / view.height, 4.0 / 3 + 1e-9);
    EXPECT_GE(view.width / view.height, 3.0 / 4 - 1e-9);
    for (const double factor : {view.brightness, view.contrast, view.saturation}) EXPECT_LE(std::abs(factor - 1), 0.4);
    EXPECT_LE(std::abs(view.hue), 0.1);
    const double share = view.width * view.height;
    area += share / kViews;
    least = std::min(least, share);
    most = std::max(most, share);
    mirrored += view.mirrored ? 1.0 / kViews : 0;
    coloured += view.hue != 0 ? 1.0 / kViews : 0;
    grey += view.grey ? 1.0 / kViews : 0;
  }
  // Four standard errors of a share in 4,000 draws are 0.032 at most; a side of 1 cuts some of the largest areas.
  EXPECT_NEAR(area, 0.6, 0.02);
  EXPECT_GE(least, 0.2 - 1e-9);
  EXPECT_LT(least, 0.21);
  EXPECT_GT(most, 0.97);
  EXPECT_NEAR(mirrored, 0.5, 0.032);
  EXPECT_NEAR(coloured, 0.8, 0.032);
  EXPECT_NEAR(grey, 0.2, 0.032);
}

at::Tensor pixels_of(int64_t count, int64_t side) {
  at::Tensor pixels = at::empty({count, side, side, 3}, at::kByte);
  for (int64_t i = 0; i < pixels.numel(); ++i)
    pixels.data_ptr<uint8_t>()[i] = static_cast<uint8_t>((i * i + 31 * i) % 253);
  return pixels;
}

TEST(Views, DependOnTheSeedAndThePlaceInTheMinibatchOnly) {
  const at::Tensor pixels = pixels_of(6, 16);
  const at::Tensor all = two_views({pixels, 5, 0}, 8);
  EXPECT_EQ(all.sizes(), (std::vector<int64_t>{12, 3, 8, 8}));
  EXPECT_TRUE(all.is_contiguous(at::MemoryFormat::ChannelsLast));
  // As two processes take them.
  const at::Tensor low = two_views({pixels.narrow(0, 0, 2), 5, 0}, 8);
  const at::Tensor high = two_views({pixels.narrow(0, 2, 4), 5, 2}, 8);
  EXPECT_THAT(all.narrow(0, 0, 2), test::tensor_near(low.narrow(0, 0, 2), 0));
  EXPECT_THAT(all.narrow(0, 6, 2), test::tensor_near(low.narrow(0, 2, 2), 0));
  EXPECT_THAT(all.narrow(0, 2, 4), test::tensor_near(high.narrow(0, 0, 4), 0));
  EXPECT_THAT(all.narrow(0, 8, 4), test::tensor_near(high.narrow(0, 4, 4), 0));
  EXPECT_GT(two_views({pixels, 6, 0}, 8).sub(all).abs().max().item<float>(), 0.1);
  EXPECT_GT(all.narrow(0, 0, 6).sub(all.narrow(0, 6, 6)).abs().max().item<float>(), 0.1) << "both views are the same";
  const int threads = at::get_num_threads();
  at::set_num_threads(3);
  EXPECT_THAT(two_views({pixels, 5, 0}, 8), test::tensor_near(all, 0));
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace dcgan::train
