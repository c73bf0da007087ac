#include "eval/svm/objective.h"

#include <algorithm>
#include <cmath>

namespace dcgan::eval {
namespace {

double entropy_term(double part, double c) { return part > 0 ? -part * std::log(part / c) : 0; }

double sigmoid(double t) { return 1 / (1 + std::exp(-t)); }

}  // namespace

double loss_value(Loss loss, double margin) {
  if (loss == Loss::kLogistic) {
    return margin > 0 ? std::log1p(std::exp(-margin)) : std::log1p(std::exp(margin)) - margin;
  }
  const double slack = std::max(0.0, 1 - margin);
  return slack * slack;
}

double dual_gain(Loss loss, double a, double c) {
  if (loss == Loss::kLogistic) return entropy_term(a, c) + entropy_term(c - a, c);
  return a - a * a / (4 * c);
}

double dual_from_margin(Loss loss, double margin, double c) {
  if (loss == Loss::kLogistic) return c * sigmoid(-margin);
  return 2 * c * std::max(0.0, 1 - margin);
}

double curvature(Loss loss, double margin, double c) {
  if (loss == Loss::kLogistic) return c * sigmoid(margin) * sigmoid(-margin);
  return margin < 1 ? 2 * c : 0;
}

double best_dual_logistic(double a, double margin, double squared, double c) {
  // With a = C sigmoid(t) the condition margin + squared (C sigmoid(t) - a) + t = 0 rises with slope >= 1: Newton from
  // inside a bracket that shrinks.
  double low = -margin - squared * (c - a), high = -margin + squared * a;
  double t = a > 0 && a < c ? std::log(a / (c - a)) : 0.5 * (low + high);
  for (int step = 0; step < 50; ++step) {
    t = std::clamp(t, low, high);
    const double s = sigmoid(t);
    const double value = margin + squared * (c * s - a) + t;
    (value > 0 ? high : low) = t;
    const double change = value / (1 + squared * c * s * (1 - s));
    t -= change;
    if (t <= low || t >= high) t = 0.5 * (low + high);
    if (std::abs(change) < 1e-7 * (1 + std::abs(t))) break;
  }
  return c * sigmoid(t);
}

double primal_objective(const LinearModel& model, const TrainingSet& set, Loss loss, double c) {
  double sum = 0;
  for (const double w : model.weights) sum += 0.5 * w * w;
  std::vector<float> x(model.columns);
  for (size_t i = 0; i < set.rows.size(); ++i) {
    set.features.read(set.rows[i], 1, x.data(), model.columns);
    for (int64_t k = 0; k < model.classes; ++k) {
      const double* w = model.machine(k);
      double score = w[model.columns];
      for (int64_t j = 0; j < model.columns; ++j) score += w[j] * static_cast<double>(x[j]);
      sum += c * loss_value(loss, set.labels[i] == k ? score : -score);
    }
  }
  return sum;
}

}  // namespace dcgan::eval
