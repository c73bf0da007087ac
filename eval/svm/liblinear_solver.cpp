#include "eval/svm/liblinear_solver.h"

#include <linear.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <vector>

#include "dcgan/errors.h"
#include "eval/svm/objective.h"

namespace dcgan::eval {
namespace {

// What LIBLINEAR prints is all that it says of how a fit ended.
struct Outcome {
  bool gave_up = false;
  int64_t newton_steps = 0;

  void read(std::string_view line) {
    constexpr int64_t kMostNewtonSteps = 1000;  // LIBLINEAR's own; its other limits have a warning
    if (line.find("iter ") == 0 && ++newton_steps >= kMostNewtonSteps) gave_up = true;
    // Where conjugate gradients stop early, the next Newton step goes on.
    if (line.find("WARNING") != line.npos && line.find("CG steps") == line.npos) gave_up = true;
  }
};

thread_local Outcome* outcome = nullptr;

void read_line(const char* line) {
  if (outcome) outcome->read(line);
}

// LIBLINEAR shuffles with rand(), from wherever its caller's program left that: here from the seed of a program that
// has just begun, as in LIBLINEAR's own. The caller's sequence goes on afterwards as if nothing had been.
class FreshRandomNumbers {
 public:
  FreshRandomNumbers() : before_(initstate(1, state_, sizeof(state_))) {}
  ~FreshRandomNumbers() { setstate(before_); }
  FreshRandomNumbers(const FreshRandomNumbers&) = delete;
  FreshRandomNumbers& operator=(const FreshRandomNumbers&) = delete;

 private:
  alignas(int32_t) char state_[128];  // as large as the state of a program that has just begun: the same generator
  char* before_;
};

// @return the model, which the caller frees
model* train_alone(const problem& set, const parameter& options, Outcome& result) {
  static std::mutex one_at_a_time;  // rand() is the process's
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  const FreshRandomNumbers random;
  set_print_string_function(read_line);
  outcome = &result;
  model* const trained = train(&set, &options);
  outcome = nullptr;
  return trained;
}

class LiblinearSolver : public SvmSolver {
 public:
  LiblinearSolver(const TrainingSet& set, const SvmOptions& options) : set_(set), options_(options) {
    check(options);
    check(set);
    const bool intercept = options.intercept == Intercept::kPenalised;
    const int64_t columns = set.features.columns();
    const size_t pitch = static_cast<size_t>(columns) + 2;
    nodes_.resize(set.rows.size() * pitch);
    std::vector<float> x(columns);
    for (size_t i = 0; i < set.rows.size(); ++i) {
      set.features.read(set.rows[i], 1, x.data(), columns);
      feature_node* node = nodes_.data() + i * pitch;
      starts_.push_back(node);
      targets_.push_back(static_cast<double>(set.labels[i]));
      for (int64_t j = 0; j < columns; ++j) {
        const double value = static_cast<double>(x[j]);
        if (value != 0) *node++ = {static_cast<int>(j) + 1, value};
      }
      if (intercept) *node++ = {static_cast<int>(columns) + 1, 1.0};
      *node = {-1, 0.0};
    }
    problem_.l = static_cast<int>(set.rows.size());
    problem_.n = static_cast<int>(columns) + (intercept ? 1 : 0);
    problem_.y = targets_.data();
    problem_.x = starts_.data();
    problem_.bias = intercept ? 1 : -1;
  }

  SvmFit fit(double c) override {
    check_cost("c", c);
    parameter options{};
    options.solver_type = options_.loss == Loss::kSquaredHinge ? L2R_L2LOSS_SVC_DUAL : L2R_LR;
    options.eps = options_.loss == Loss::kSquaredHinge ? 0.1 : 0.01;  // its own defaults
    options.C = c;
    const auto start = std::chrono::steady_clock::now();
    Outcome ending;
    model* trained = train_alone(problem_, options, ending);
    SvmFit fit;
    fit.converged = !ending.gave_up;
    fit.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fit.c = c;
    fit.model = {set_.classes, set_.features.columns(), {}};
    const int64_t width = fit.model.columns + 1;
    fit.model.weights.assign(set_.classes * width, 0.0);
    // Two classes have one machine, for the one that LIBLINEAR met first. A class that it never met is not among its
    // labels: its machine says no to everything.
    const bool one_machine = trained->nr_class == 2;
    for (int64_t k = 0; k < set_.classes; ++k) {
      const int* label = std::find(trained->label, trained->label + trained->nr_class, static_cast<int>(k));
      const int machine = static_cast<int>(label - trained->label);
      if (machine == trained->nr_class) {
        fit.model.machine(k)[fit.model.columns] = -1;
        continue;
      }
      const double sign = one_machine && machine == 1 ? -1 : 1;
      const int stride = one_machine ? 1 : trained->nr_class;
      for (int j = 0; j < problem_.n; ++j) {
        fit.model.machine(k)[j] = sign * trained->w[j * stride + (one_machine ? 0 : machine)];
      }
    }
    free_and_destroy_model(&trained);
    fit.primal = primal_objective(fit.model, set_, options_.loss, c);
    return fit;
  }

 private:
  const TrainingSet set_;
  const SvmOptions options_;
  std::vector<feature_node> nodes_;
  std::vector<feature_node*> starts_;
  std::vector<double> targets_;
  problem problem_{};
};

}  // namespace

std::unique_ptr<SvmSolver> make_liblinear_solver(const TrainingSet& set, const SvmOptions& options) {
  return std::make_unique<LiblinearSolver>(set, options);
}

}  // namespace dcgan::eval
