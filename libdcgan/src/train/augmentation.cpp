#include "train/augmentation.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

namespace dcgan::train {
namespace {

enum Draw { kBrightness, kSaturation, kContrast, kDown, kAcross, kCutDown, kCutAcross, kDraws };

constexpr int64_t kShiftDivisor = 8;  // of the side: the largest shift
constexpr int64_t kCutDivisor = 2;    // of the side: the side of the square

// Values of a draw that stand beside [N, 3, S, S].
at::Tensor numbers(const at::Tensor& draws, Draw draw) { return draws.select(1, draw).view({-1, 1, 1, 1}); }

// A draw as a whole number from 0 to below `count`: int64 [N, 1].
at::Tensor whole_numbers(const at::Tensor& draws, Draw draw, int64_t count) {
  return draws.narrow(1, draw, 1).mul(static_cast<double>(count)).to(at::kLong).clamp_max(count - 1);
}

at::Tensor in_other_colours(const at::Tensor& images, const at::Tensor& draws) {
  const auto around = [](const at::Tensor& mean, const at::Tensor& x, const at::Tensor& factor) {
    return x.sub(mean).mul(factor).add(mean);
  };
  const at::Tensor lit = images.add(numbers(draws, kBrightness).sub(0.5));
  const at::Tensor coloured = around(lit.mean({1}, /*keepdim=*/true), lit, numbers(draws, kSaturation).mul(2));
  return around(coloured.mean({1, 2, 3}, /*keepdim=*/true), coloured, numbers(draws, kContrast).add(0.5));
}

// Along the dimension `along`, 2 or 3.
at::Tensor moved(const at::Tensor& images, int64_t along, const at::Tensor& draws, Draw draw) {
  const int64_t side = images.size(along);
  const int64_t most = side / kShiftDivisor;
  const at::Tensor from = at::arange(side, whole_numbers(draws, draw, 1).options())
                              .add(whole_numbers(draws, draw, 2 * most + 1).sub(most))
                              .unsqueeze(1)
                              .unsqueeze(along == 2 ? 3 : 2);  // [N, 1, S, 1] or [N, 1, 1, S]
  const at::Tensor inside = from.ge(0).logical_and(from.lt(side));
  return images.gather(along, from.clamp(0, side - 1).expand_as(images)).mul(inside);
}

// Whether a place of one side is within the square: [N, S].
at::Tensor in_cut(int64_t side, const at::Tensor& draws, Draw draw) {
  const int64_t cut = side / kCutDivisor;
  const at::Tensor first = whole_numbers(draws, draw, side + 1 - cut % 2).sub(cut / 2);
  const at::Tensor place = at::arange(side, first.options());
  return place.ge(first).logical_and(place.lt(first.add(cut)));
}

}  // namespace

at::Tensor draw_augmentations(int64_t count, uint64_t seed) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::empty({count, kDraws}).uniform_(0, 1, random);
}

at::Tensor augmented(const at::Tensor& images, const at::Tensor& draws) {
  const at::Tensor shifted = moved(moved(in_other_colours(images, draws), 2, draws, kDown), 3, draws, kAcross);
  const at::Tensor cut = in_cut(images.size(2), draws, kCutDown)
                             .unsqueeze(2)
                             .logical_and(in_cut(images.size(3), draws, kCutAcross).unsqueeze(1))
                             .unsqueeze(1);
  return shifted.mul(cut.logical_not()).contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace dcgan::train
