#include "dcgan/latent_space.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"

namespace dcgan {
namespace {

double dot(const float* a, const float* b, int64_t nz) {
  double sum = 0;
  for (int64_t i = 0; i < nz; ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

/// Weights of two points for the place t between them, 0 to 1.
struct Weights {
  double from, to;
};

Weights spherical_weights(const float* from, const float* to, int64_t nz, double t) {
  const double from_length = std::sqrt(dot(from, from, nz)), to_length = std::sqrt(dot(to, to, nz));
  const double lengths = from_length * to_length;
  const double angle = lengths > 0 ? std::acos(std::clamp(dot(from, to, nz) / lengths, -1.0, 1.0)) : 0;
  constexpr double kParallel = 1e-4;  // below it the circle is a line to float32's digits
  if (std::sin(angle) < kParallel) return {1 - t, t};
  const double length = from_length + t * (to_length - from_length);
  return {length * std::sin((1 - t) * angle) / std::sin(angle) / from_length,
          length * std::sin(t * angle) / std::sin(angle) / to_length};
}

void append(std::vector<float>& all, const float* from, const float* to, Weights weights, int64_t nz) {
  for (int64_t i = 0; i < nz; ++i) {
    all.push_back(static_cast<float>(weights.from * double{from[i]} + weights.to * double{to[i]}));
  }
}

}  // namespace

std::vector<float> walk(const std::vector<float>& points, int64_t nz, const WalkOptions& options) {
  const auto count = static_cast<int64_t>(points.size()) / nz;
  const int64_t sections = options.closed ? count : count - 1;
  const int64_t intervals = options.closed ? options.frames : std::max<int64_t>(options.frames - 1, 1);
  std::vector<float> path;
  for (int64_t frame = 0; frame < options.frames; ++frame) {
    const int64_t section = frame * sections / intervals;
    const double t = static_cast<double>(frame * sections % intervals) / static_cast<double>(intervals);
    const float* const from = points.data() + section * nz;
    const float* const to = points.data() + (section + 1) % count * nz;
    const bool spherical = t > 0 && options.interpolation == Interpolation::kSpherical;
    append(path, from, to, spherical ? spherical_weights(from, to, nz, t) : Weights{1 - t, t}, nz);
  }
  return path;
}

std::vector<float> mean_of(const std::vector<float>& z, int64_t nz, const std::vector<int64_t>& rows) {
  std::vector<double> sums(nz);
  for (const int64_t row : rows) {
    for (int64_t i = 0; i < nz; ++i) sums[i] += double{z[row * nz + i]};
  }
  std::vector<float> mean;
  for (const double sum : sums) mean.push_back(static_cast<float>(sum / static_cast<double>(rows.size())));
  return mean;
}

std::vector<float> difference_added(const std::vector<float>& a, const std::vector<float>& b,
                                    const std::vector<float>& c) {
  if (a.size() != b.size() || a.size() != c.size()) throw Error("noise of different widths cannot be added.");
  std::vector<float> sum;
  for (size_t i = 0; i < a.size(); ++i) {
    sum.push_back(static_cast<float>(double{a[i]} - double{b[i]} + double{c[i]}));
  }
  return sum;
}

std::vector<float> neighbourhood(const std::vector<float>& point, int64_t count, double scale, uint64_t seed) {
  std::mt19937_64 random(derive_seed(seed, "neighbourhood"));
  std::vector<float> all;
  for (int64_t i = 0; i < count; ++i) {
    for (const float value : point) {
      // 53 bits, in [0, 1): the same on every platform, which std's distributions are not
      const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;
      all.push_back(static_cast<float>(double{value} + scale * (2 * uniform - 1)));
    }
  }
  return all;
}

std::vector<float> turned(const std::vector<float>& z, const std::vector<float>& axis, const Turn& turn) {
  std::vector<float> all;
  const auto nz = static_cast<int64_t>(axis.size());
  for (size_t row = 0; row < z.size(); row += axis.size()) {
    for (int64_t step = 0; step < turn.steps; ++step) {
      const auto last = static_cast<double>(std::max<int64_t>(turn.steps - 1, 1));
      const double place = turn.steps > 1 ? 2 * static_cast<double>(step) / last - 1 : 0;
      append(all, z.data() + row, axis.data(), {1, turn.reach * place}, nz);
    }
  }
  return all;
}

}  // namespace dcgan
