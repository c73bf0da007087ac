#include "train/views.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "dcgan/seeds.h"

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

// The pixels that make up each pixel of one side of a view, and their shares: a triangle around its centre, as wide as
// the pixel where the image is made smaller. It ends at the image's border, not at the part's.
struct Taps {
  struct Range {
    int64_t first, count;
    size_t weights;  ///< position of the first weight
  };
  std::vector<Range> ranges;  ///< [size]
  std::vector<float> weights;

  Taps(double start, double share, int64_t side, int64_t size) {
    const double scale = share * static_cast<double>(side) / static_cast<double>(size);
    const double support = std::max(1.0, scale);
    for (int64_t i = 0; i < size; ++i) {
      const double centre = start * static_cast<double>(side) + (static_cast<double>(i) + 0.5) * scale;
      const auto weight = [&](int64_t j) {
        return std::max(0.0, 1 - std::abs(static_cast<double>(j) + 0.5 - centre) / support);
      };
      int64_t first = std::max<int64_t>(0, static_cast<int64_t>(std::floor(centre - support)));
      int64_t last = std::min(side - 1, static_cast<int64_t>(std::ceil(centre + support)));
      while (first < last && weight(first) == 0) ++first;
      while (last > first && weight(last) == 0) --last;
      double sum = 0;
      for (int64_t j = first; j <= last; ++j) sum += weight(j);
      ranges.push_back({first, last - first + 1, weights.size()});
      for (int64_t j = first; j <= last; ++j) weights.push_back(static_cast<float>(weight(j) / sum));
    }
  }
};

// uint8 [side, side, 3] to float32 [size, size, 3] in [0, 255].
void resize_part(const View& view, const uint8_t* image, int64_t side, int64_t size, float* to) {
  const Taps down(view.top, view.height, side, size);
  const Taps across(view.left, view.width, side, size);
  const int64_t first_column = across.ranges.front().first;
  const int64_t columns = across.ranges.back().first + across.ranges.back().count - first_column;
  std::vector<float> row(static_cast<size_t>(columns * 3));
  for (int64_t y = 0; y < size; ++y) {
    const Taps::Range& rows = down.ranges[static_cast<size_t>(y)];
    std::fill(row.begin(), row.end(), 0.0F);
    for (int64_t j = 0; j < rows.count; ++j) {
      const float weight = down.weights[rows.weights + static_cast<size_t>(j)];
      const uint8_t* from = image + ((rows.first + j) * side + first_column) * 3;
      for (size_t i = 0; i < row.size(); ++i) row[i] += weight * static_cast<float>(from[i]);
    }
    for (int64_t x = 0; x < size; ++x) {
      const Taps::Range& range = across.ranges[static_cast<size_t>(view.mirrored ? size - 1 - x : x)];
      const float* from = row.data() + (range.first - first_column) * 3;
      float red = 0, green = 0, blue = 0;
      for (int64_t j = 0; j < range.count; ++j, from += 3) {
        const float weight = across.weights[range.weights + static_cast<size_t>(j)];
        red += weight * from[0];
        green += weight * from[1];
        blue += weight * from[2];
      }
      float* pixel = to + (y * size + x) * 3;
      pixel[0] = red;
      pixel[1] = green;
      pixel[2] = blue;
    }
  }
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

void render(const View& view, const uint8_t* image, int64_t side, int64_t size, float* to) {
  resize_part(view, image, side, size, to);
  const int64_t values = size * size * 3;
  double sum = 0;
  for (int64_t i = 0; i < values; ++i) sum += to[i];
  // Brightness, contrast (towards the view's mean), saturation, hue, grey, in this order, are one matrix and one shift:
  // all of these matrices leave grey as it is. From [0, 255] to [-1, 1].
  const Matrix colour =
      product(towards_grey(view.grey ? 0 : 1), product(turned_hue(view.hue), towards_grey(view.saturation)));
  const double factor = view.brightness * view.contrast / 127.5;
  const double mean = sum / static_cast<double>(values);
  const auto shift = static_cast<float>((1 - view.contrast) * view.brightness * mean / 127.5 - 1);
  float m[3][3];
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) m[i][j] = static_cast<float>(colour[i][j] * factor);
  }
  for (float* pixel = to; pixel < to + values; pixel += 3) {
    const float red = pixel[0], green = pixel[1], blue = pixel[2];
    for (int64_t c = 0; c < 3; ++c) {
      pixel[c] = std::clamp(m[c][0] * red + m[c][1] * green + m[c][2] * blue + shift, -1.0F, 1.0F);
    }
  }
}

at::Tensor two_views(const ViewedImages& images, int64_t size) {
  const int64_t count = images.pixels.size(0);
  const int64_t side = images.pixels.size(1);
  const at::Tensor pixels = images.pixels.contiguous();
  at::Tensor views = at::empty({2 * count, 3, size, size},
                               at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  const uint8_t* from = pixels.const_data_ptr<uint8_t>();
  float* to = views.mutable_data_ptr<float>();
  at::parallel_for(0, 2 * count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i % count;
      const auto position = static_cast<uint64_t>(2 * (images.first + image) + i / count);
      render(draw_view(derive_seed(images.seed, "view", position)), from + image * side * side * 3, side, size,
             to + i * size * size * 3);
    }
  });
  return views;
}

}  // namespace dcgan::train
