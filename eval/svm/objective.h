#pragma once

#include <cstdint>
#include <vector>

#include "eval/svm/linear_model.h"
#include "eval/svm/rows.h"
#include "eval/svm/svm_options.h"

namespace dcgan::eval {

// One class against the rest, with y = +1 or -1, margin m = y (w . x + b):
//
//   primal(w) = 0.5 ||w||^2 + C sum loss(m_i)
//   dual(a)   = sum gain(a_i) - 0.5 ||sum a_i y_i x_i||^2 <= primal(w)      for every w and every feasible a
//
// Squared hinge: loss = max(0, 1 - m)^2, gain = a - a^2 / 4C, a >= 0.       (Hsieh et al. 2008, section 2)
// Logistic: loss = log(1 + e^-m), gain = -a log(a / C) - (C - a) log(1 - a / C), 0 <= a <= C.   (Yu et al. 2011)
// At the optimum w = sum a_i y_i x_i and a_i = -C loss'(m_i).

double loss_value(Loss loss, double margin);
double dual_gain(Loss loss, double a, double c);

/// -C loss'(m): the dual variable that belongs to a margin.
double dual_from_margin(Loss loss, double margin, double c);

/// C loss''(m), generalised where the squared hinge has a corner.
double curvature(Loss loss, double margin, double c);

double best_dual_logistic(double a, double margin, double squared, double c);

/// The a that maximises the dual along one coordinate.
/// @param a        its value now
/// @param margin   its margin now
/// @param squared  ||x||^2
inline double best_dual(Loss loss, double a, double margin, double squared, double c) {
  if (loss == Loss::kLogistic) return best_dual_logistic(a, margin, squared, c);
  const double inverse = 0.5 / c;
  const double best = a - (margin - 1 + a * inverse) / (squared + inverse);
  return best > 0 ? best : 0;
}

/// The objective, in float64 throughout, summed over the classes. For two classes both machines count.
double primal_objective(const LinearModel& model, const TrainingSet& set, Loss loss, double c);

}  // namespace dcgan::eval
