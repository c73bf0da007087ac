#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dcgan/options.h"

namespace dcgan::eval {

enum class SolverKind { kDense, kLiblinear };
enum class Loss { kSquaredHinge, kLogistic };
enum class Intercept { kPenalised, kNone };

}  // namespace dcgan::eval

namespace dcgan {

template <>
struct EnumNames<eval::SolverKind> {
  static constexpr std::array<std::string_view, 2> kNames = {"dense", "liblinear"};
};
template <>
struct EnumNames<eval::Loss> {
  static constexpr std::array<std::string_view, 2> kNames = {"squared-hinge", "logistic"};
};
template <>
struct EnumNames<eval::Intercept> {
  static constexpr std::array<std::string_view, 2> kNames = {"penalised", "none"};
};

}  // namespace dcgan

namespace dcgan::eval {

/// How linear machines are fitted. Defaults: the authors' LinearSVC (their svhn_semisup_analysis.py).
struct SvmOptions {
  SolverKind solver = SolverKind::kDense;
  Loss loss = Loss::kSquaredHinge;
  Intercept intercept =
      Intercept::kPenalised;  ///< penalised: a constant feature of 1, as in LIBLINEAR and scikit-learn
  double tolerance = 1e-4;    ///< dense: (primal - dual) / primal at which a fit is done; below 1e-6 in float64
  int64_t max_passes = 2000;  ///< dense: passes over the rows after which a fit gives up
};

template <class Visitor>
void describe(SvmOptions& o, Visitor&& f) {
  f(o.solver, "solver", "dense (ours, with a duality gap) or liblinear (train() with -s 1 -e 0.1)");
  f(o.loss, "loss", "squared-hinge or logistic");
  f(o.intercept, "intercept", "penalised: a constant feature of 1, itself regularised; none: no intercept");
  f(o.tolerance, "tolerance",
    "dense solver: relative duality gap, (primal - dual) / primal, at which it stops; below 1e-6 in float64");
  f(o.max_passes, "max-passes", "dense solver: passes over the rows after which it gives up and says so");
}

/// Throws OptionError that names the flag, the value and the rule.
void check(const SvmOptions& options);
/// The rule for --c and every value of --c-grid: positive and finite.
void check_cost(const char* flag, double c);

}  // namespace dcgan::eval
