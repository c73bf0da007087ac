#include "eval/protocols/spread.h"

#include <cmath>

namespace dcgan::eval {

double student_t975(int64_t degrees) {
  constexpr double kFirst[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228};
  if (degrees <= 10) return kFirst[degrees - 1];
  // Expansion around the normal quantile (Abramowitz and Stegun 26.7.5).
  const double z = 1.959964, v = static_cast<double>(degrees);
  return z + (std::pow(z, 3) + z) / (4 * v) + (5 * std::pow(z, 5) + 16 * std::pow(z, 3) + 3 * z) / (96 * v * v) +
         (3 * std::pow(z, 7) + 19 * std::pow(z, 5) + 17 * std::pow(z, 3) - 15 * z) / (384 * v * v * v);
}

Interval binomial_interval(double share, int64_t trials) {
  constexpr double kZ = 1.959964;  // 97.5% quantile of the normal distribution
  const auto n = static_cast<double>(trials);
  const double centre = (share + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  return {centre - half, centre + half};
}

Spread spread_of(const std::vector<double>& values) {
  Spread s;
  s.n = static_cast<int64_t>(values.size());
  if (s.n == 0) return s;
  const double n = static_cast<double>(s.n);
  for (const double value : values) s.mean += value / n;
  s.ci_low = s.ci_high = s.mean;
  if (s.n == 1) return s;
  double squares = 0;
  for (const double value : values) squares += (value - s.mean) * (value - s.mean);
  s.sd = std::sqrt(squares / (n - 1));
  s.authors = 1.96 * s.sd;
  const double half = student_t975(s.n - 1) * s.sd / std::sqrt(n);
  s.ci_low = s.mean - half;
  s.ci_high = s.mean + half;
  return s;
}

}  // namespace dcgan::eval
