#pragma once

#include <cstdint>
#include <vector>

namespace dcgan::eval {

/// One machine with the squared hinge, given the Gram matrix of its rows: Newton's method with exact solves on the rows
/// inside the margin (Chapelle 2007, "Training a support vector machine in the primal", section 4).
/// @param gram     float32 [n, pitch]
/// @param targets  [n] +1 or -1
/// @param tolerance  relative duality gap at which it stops
/// @param duals    [n] start and result, >= 0: w = sum of duals_i targets_i x_i
void kernel_newton(const float* gram, int64_t n, int64_t pitch, const std::vector<double>& targets, double c,
                   double tolerance, std::vector<double>& duals);

}  // namespace dcgan::eval
