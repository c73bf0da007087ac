#include "train/views.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "dcgan/seeds.h"
#include "nn/device.h"

namespace dcgan::train {
namespace {

constexpr double kLeastArea = 0.2;
constexpr double kLeastAspect = 3.0 / 4, kMostAspect = 4.0 / 3;
constexpr double kColouredShare = 0.8;
constexpr double kColourChange = 0.4;  // of brightness, contrast and saturation
constexpr double kHueChange = 0.1;
constexpr double kGreyShare = 0.2;

using Matrix = std::array<std::array<double, 3>, 3>;

// Luma of ITU-R BT.601, and the two colour axes of YIQ in which hue is an angle.
constexpr Matrix kYiqFromRgb = {{{0.299, 0.587, 0.114}, {0.596, -0.274, -0.322}, {0.211, -0.523, 0.312}}};

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c = {};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      for (size_t k = 0; k < 3; ++k) c[i][j] += a[i][k] * b[k][j];
    }
  }
  return c;
}

Matrix inverse(const Matrix& m) {
  const auto minor = [&m](size_t i, size_t j) {
    const size_t i1 = (i + 1) % 3, i2 = (i + 2) % 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
    return m[i1][j1] * m[i2][j2] - m[i1][j2] * m[i2][j1];
  };
  const double determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  Matrix result;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) result[j][i] = minor(i, j) / determinant;
  }
  return result;
}

// share * colour + (1 - share) * its luma
Matrix towards_grey(double share) {
  Matrix m = {};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) m[i][j] = (1 - share) * kYiqFromRgb[0][j] + (i == j ? share : 0);
  }
  return m;
}

Matrix turned_hue(double turns) {
  constexpr double kPi = 3.14159265358979323846;
  const double c = std::cos(2 * kPi * turns), s = std::sin(2 * kPi * turns);
  const Matrix turn = {{{1, 0, 0}, {0, c, -s}, {0, s, c}}};
  return product(product(inverse(kYiqFromRgb), turn), kYiqFromRgb);
}

// A view in numbers, one row of a tensor for each: the part's place, and what becomes of its colours.
enum Number { kLeft, kWidth, kTop, kHeight, kMirrored, kShift, kMatrix, kNumbers = kMatrix + 9 };

// Brightness, contrast (towards the view's mean), saturation, hue, grey, in this order, are one matrix and one shift by
// a multiple of the mean: all of these matrices leave grey as it is. From [0, 255] to [-1, 1].
void write_numbers(const View& view, float* numbers) {
  const Matrix colour =
      product(towards_grey(view.grey ? 0 : 1), product(turned_hue(view.hue), towards_grey(view.saturation)));
  const double factor = view.brightness * view.contrast / 127.5;
  const std::array<double, kMatrix> before = {view.left,
                                              view.width,
                                              view.top,
                                              view.height,
                                              view.mirrored ? 1.0 : 0.0,
                                              (1 - view.contrast) * view.brightness / 127.5};
  float* to = std::copy(before.begin(), before.end(), numbers);
  for (const auto& row : colour) to = std::transform(row.begin(), row.end(), to, [=](double m) { return m * factor; });
}

// Which pixels make up each pixel of one side of a view, and their shares: a triangle around its centre, as wide as the
// pixel where the image is made smaller. It ends at the image's border, not at the part's. float32 [N, size, side].
at::Tensor shares(const at::Tensor& start, const at::Tensor& share, const at::Tensor& place, int64_t side) {
  const auto pixels = static_cast<double>(side);
  const at::Tensor scale = share.mul(pixels / static_cast<double>(place.size(1)));
  const at::Tensor centre = start.mul(pixels).add(place.add(0.5).mul(scale)).unsqueeze(2);
  const at::Tensor distance = at::arange(side, centre.options()).add(0.5).sub(centre).abs();
  const at::Tensor triangle = distance.div(scale.clamp_min(1).unsqueeze(2)).neg().add(1).clamp_min(0);
  return triangle.div(triangle.sum({2}, /*keepdim=*/true));
}

}  // namespace

View draw_view(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&random](double low, double high) {
    return low + (high - low) * static_cast<double>(random() >> 11) / 9007199254740992.0;  // 2^53
  };
  const auto happens = [&uniform](double share) { return uniform(0, 1) < share; };
  View view;
  const double area = uniform(kLeastArea, 1);
  const double aspect = std::exp(uniform(std::log(kLeastAspect), std::log(kMostAspect)));
  view.width = std::min(1.0, std::sqrt(area * aspect));
  view.height = std::min(1.0, std::sqrt(area / aspect));
  view.left = uniform(0, 1 - view.width);
  view.top = uniform(0, 1 - view.height);
  view.mirrored = happens(0.5);
  if (happens(kColouredShare)) {
    for (double* factor : {&view.brightness, &view.contrast, &view.saturation}) {
      *factor = uniform(1 - kColourChange, 1 + kColourChange);
    }
    view.hue = uniform(-kHueChange, kHueChange);
  }
  view.grey = happens(kGreyShare);
  return view;
}

at::Tensor render(const std::vector<View>& views, const at::Tensor& pixels, int64_t size) {
  const auto count = static_cast<int64_t>(views.size());
  const int64_t side = pixels.size(1);
  at::Tensor host = at::empty({count, kNumbers});
  float* rows = host.mutable_data_ptr<float>();
  for (const View& view : views) {
    write_numbers(view, rows);
    rows += kNumbers;
  }
  const at::Tensor numbers = nn::to_device(host, pixels.device());
  const auto number = [&](int64_t n) { return numbers.narrow(1, n, 1); };  // [count, 1]
  const at::Tensor place = at::arange(size, numbers.options());
  const at::Tensor mirrored = number(kMirrored).mul(place.mul(-2).add(static_cast<double>(size - 1))).add(place);
  const at::Tensor across = shares(number(kLeft), number(kWidth), mirrored, side);
  const at::Tensor down = shares(number(kTop), number(kHeight), place.unsqueeze(0), side);
  const at::Tensor images = pixels.to(at::kFloat).view({pixels.size(0), side, side * 3});
  at::Tensor values = down.view({-1, pixels.size(0), size, side}).matmul(images);
  values = values.view({count, size, side, 3}).permute({0, 3, 1, 2}).reshape({count, 3 * size, side});
  values = values.bmm(across.transpose(1, 2)).view({count, 3, size * size});
  const at::Tensor shift = values.mean({1, 2}, /*keepdim=*/true).mul(number(kShift).unsqueeze(2)).sub(1);
  values = numbers.narrow(1, kMatrix, 9).reshape({count, 3, 3}).bmm(values).add(shift).clamp(-1, 1);
  return values.view({count, 3, size, size}).contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor two_views(const ViewedImages& images, int64_t size) {
  const int64_t count = images.pixels.size(0);
  std::vector<View> views(2 * count);
  at::parallel_for(0, 2 * count, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto position = static_cast<uint64_t>(2 * (images.first + i % count) + i / count);
      views[i] = draw_view(derive_seed(images.seed, "view", position));
    }
  });
  return render(views, images.pixels, size);
}

}  // namespace dcgan::train
