#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/options.h"

namespace dcgan {

// What is done with noise before a generator sees it: float32 [N, Z], without a network.

/// Between two points of noise: on the line, or along the great circle with the length changing evenly.
enum class Interpolation { kLinear, kSpherical };

template <>
struct EnumNames<Interpolation> {
  static constexpr std::array<std::string_view, 2> kNames = {"linear", "spherical"};
};

struct WalkOptions {
  int64_t frames = 100;  ///< places on the path
  bool closed = false;   ///< from the last point on to the first
  Interpolation interpolation = Interpolation::kLinear;
};

/// `frames` places on a path through points, float32 [N, Z], evenly spread over its N - 1 sections, or N of a closed
/// one: the first is the first point, the last the last point, or on a closed path the one before the first point.
/// float32 [frames, Z]
DCGAN_EXPORT std::vector<float> walk(const std::vector<float>& points, int64_t nz, const WalkOptions& options);

/// The mean of rows of noise, by number: float32 [Z].
DCGAN_EXPORT std::vector<float> mean_of(const std::vector<float>& z, int64_t nz, const std::vector<int64_t>& rows);

/// a - b + c, neither clipped nor normalised (Radford et al. 2016, arXiv:1511.06434, section 6.3.2).
DCGAN_EXPORT std::vector<float> difference_added(const std::vector<float>& a, const std::vector<float>& b,
                                                 const std::vector<float>& c);

/// `count` neighbours of a point, each with uniform noise in [-scale, scale] added to every value: float32 [count, Z].
DCGAN_EXPORT std::vector<float> neighbourhood(const std::vector<float>& point, int64_t count, double scale,
                                              uint64_t seed);

/// Each row of z moved along an axis in `steps` steps from -reach to reach times the axis: float32 [N * steps, Z], a
/// row's steps one behind the other.
struct Turn {
  int64_t steps = 11;
  double reach = 0.5;
};
DCGAN_EXPORT std::vector<float> turned(const std::vector<float>& z, const std::vector<float>& axis, const Turn& turn);

}  // namespace dcgan
