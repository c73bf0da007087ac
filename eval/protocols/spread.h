#pragma once

#include <cstdint>
#include <vector>

namespace dcgan::eval {

/// Mean and spread of a figure over draws.
struct Spread {
  int64_t n = 0;
  double mean = 0;
  double sd = 0;       ///< over draws, n - 1 in the denominator; 0 for one draw
  double authors = 0;  ///< 1.96 sd: what the authors print after +-; it describes single draws, not their mean
  double ci_low = 0;   ///< 95% confidence interval of the mean, Student's t; equal to the mean for one draw
  double ci_high = 0;
};

/// Where a share lies that was measured on n trials.
struct Interval {
  double low = 0, high = 0;
};

/// 95% interval of a binomial share, Wilson's score interval (Wilson 1927, J. Am. Stat. Assoc. 22:209).
/// @param share  0 to 1, of `trials` trials, one or more
Interval binomial_interval(double share, int64_t trials);

Spread spread_of(const std::vector<double>& values);

/// 97.5% quantile of Student's t; within 0.001 of the tables.
double student_t975(int64_t degrees);

}  // namespace dcgan::eval
