#include "eval/svm/dense_solver.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "eval/svm/kernel_newton.h"
#include "eval/svm/newton.h"
#include "eval/svm/objective.h"
#include "eval/svm/row_stream.h"
#include "parallel/thread_pool.h"

namespace dcgan::eval {
namespace {

constexpr int64_t kSlab = 1024;  // columns, about; a float32 sum is no longer than this
constexpr int64_t kBlockRows = 32;
constexpr int64_t kKernelFormRows = 1024;
// Blocks that are always the same agree with each other only slowly on what all rows share (their mean): with two or
// three random partitions in turn the gap falls by four in each pass, with one by a few percent.
constexpr int64_t kPartitions = 3;
constexpr int64_t kSweeps = 3;
constexpr double kOptimism = 8;
// Every so many passes descent is judged by how the gap fell since the last time: where at that rate it would need more
// than kPatience times as many again, Newton's method, whose passes are several times dearer, is the better way.
constexpr int64_t kCheckpoint = 30;
constexpr double kPatience = 20;
// What descent knows of its gap is summed in float32: a smaller one than this is left to Newton's method, in float64.
constexpr double kSmallestGap = 1e-6;

int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

// Slabs of equal width, so that threads that share them have equal work.
int64_t slab_count(int64_t pitch) { return std::max<int64_t>(1, (pitch + kSlab / 2) / kSlab); }

struct Block {
  std::vector<int64_t> indices;  // into the training set
  std::vector<const float*> rows;
  std::vector<float> gram;  // [rows, round_up(rows, kKernelStep)], once it is needed

  int64_t count() const { return static_cast<int64_t>(rows.size()); }
};

class DenseSolver : public SvmSolver {
 public:
  DenseSolver(const TrainingSet& set, const SvmOptions& options, const SolverResources& resources,
              const RowKernels& kernels)
      : set_((check(options), check(set), set)),
        options_(options),
        resources_(resources),
        kernels_(kernels),
        tolerance_(std::max(options.tolerance, kSmallestGap)),
        n_(static_cast<int64_t>(set.rows.size())),
        columns_(set.features.columns()),
        pitch_(row_pitch(columns_)),
        machines_(set.classes == 2 ? 1 : set.classes),
        block_rows_(n_ <= std::min(columns_, kKernelFormRows) ? n_ : kBlockRows),
        slab_width_(round_up((pitch_ + slab_count(pitch_) - 1) / slab_count(pitch_), kKernelStep)),
        slabs_((pitch_ + slab_width_ - 1) / slab_width_),
        stream_(set_, resources.max_memory, resources.seed),
        pool_(resources.threads),
        dual_(size(n_ * machines_)),
        w_(machines_, columns_),
        partial_(size(slabs_ * block_rows_ * machines_)),
        changes_(size(block_rows_ * machines_)),
        pass_losses_(size(machines_)) {
    for (int64_t k = 0; k < machines_; ++k) {
      w_rows_.push_back(w_.row(k));
      w_const_rows_.push_back(w_.row(k));
      std::fill(w_.row(k), w_.row(k) + pitch_, 0.0f);
    }
  }

  SvmFit fit(double c) override {
    check_cost("c", c);
    const auto start = std::chrono::steady_clock::now();
    start_from_last_fit(c);
    c_ = c;
    SvmFit fit;
    fit.c = c;
    fit.has_dual = true;
    fit.converged = false;
    // What a pass sees of the losses on its way is several times too much near the end.
    double promising = kOptimism * tolerance_;
    double last_gap = std::numeric_limits<double>::infinity();
    bool crawls = false;
    while (!fit.converged && !crawls && fit.passes < options_.max_passes) {
      pass(fit.passes);
      fit.passes += 1;
      const double dual = sum(duals());
      const double estimate = std::abs(sum(primals(pass_losses_)) - dual) / dual;
      if (resources_.on_pass) resources_.on_pass(fit.passes, estimate);
      const bool checkpoint = fit.passes % kCheckpoint == 0 || fit.passes == options_.max_passes;
      if (!(estimate <= promising) && !checkpoint) continue;
      promising = std::max(0.5 * estimate, 0.1 * tolerance_);
      certify(fit);
      if (!checkpoint) continue;
      crawls = checkpoints_left(fit.gap, last_gap) > kPatience;
      last_gap = fit.gap;
    }
    copy_weights(fit.model);
    if (options_.tolerance < tolerance_) fit.converged = false;
    if (!fit.converged && fit.passes < options_.max_passes) finish_with_newton(fit);
    fit.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return fit;
  }

 private:
  static size_t size(int64_t count) { return static_cast<size_t>(count); }
  double target(int64_t index, int64_t machine) const { return set_.labels[size(index)] == machine ? 1.0 : -1.0; }
  double& dual(int64_t index, int64_t machine) { return dual_[size(index * machines_ + machine)]; }

  double checkpoints_left(double gap, double last_gap) const {
    if (std::isinf(last_gap)) return 0;
    return gap < last_gap ? std::log(gap / tolerance_) / std::log(last_gap / gap) : kPatience + 1;
  }

  static double sum(const std::vector<double>& values) {
    double total = 0;
    for (const double value : values) total += value;
    return total;
  }

  void start_from_last_fit(double c) {
    if (c_ == 0) return;
    // A dual variable is C times a slope of the loss: the slopes are kept where C falls, and where it rises the
    // variables are, which is nearer to the new optimum.
    const double factor = std::min(1.0, c / c_);
    for (double& a : dual_) a *= factor;
    for (float* w : w_rows_) {
      for (int64_t j = 0; j < pitch_; ++j) w[j] = static_cast<float>(w[j] * factor);
    }
  }

  void pass(int64_t number) {
    std::fill(pass_losses_.begin(), pass_losses_.end(), 0.0);
    for (int64_t piece = 0; piece < stream_.pieces(); ++piece) {
      const RowStream::Piece& rows = stream_.next();
      const uint64_t seed = derive_seed(derive_seed(resources_.seed, "svm pass", static_cast<uint64_t>(number)),
                                        "svm piece", static_cast<uint64_t>(piece));
      // Rows that stay in memory keep their partitions and Gram matrices; others have new ones each time.
      std::vector<Block> fresh;
      std::vector<Block>* blocks = &fresh;
      if (stream_.pieces() == 1) {
        blocks = &partitions_[number % (n_ == block_rows_ ? 1 : kPartitions)];
      }
      if (blocks->empty()) *blocks = partition(rows, seed);
      for (const int64_t b : shuffled_indices(static_cast<int64_t>(blocks->size()), derive_seed(seed, "svm blocks"))) {
        step((*blocks)[size(b)]);
      }
      update_weights();
    }
  }

  std::vector<Block> partition(const RowStream::Piece& piece, uint64_t seed) const {
    std::vector<Block> blocks;
    for (const int64_t i : shuffled_indices(static_cast<int64_t>(piece.rows.size()), seed)) {
      if (blocks.empty() || blocks.back().count() == block_rows_) blocks.emplace_back();
      blocks.back().indices.push_back(piece.indices[size(i)]);
      blocks.back().rows.push_back(piece.rows[size(i)]);
    }
    return blocks;
  }

  // Columns of a slab.
  int64_t slab_begin(int64_t slab) const { return slab * slab_width_; }
  int64_t slab_length(int64_t slab) const { return std::min(slab_width_, pitch_ - slab_begin(slab)); }

  void step(Block& block) {
    if (block.gram.empty()) compute_gram(block);
    const int64_t values = block.count() * machines_;
    pool_.run(slabs_, [&](int64_t slab) {
      update_slab(slab);
      kernels_.dots(block.rows.data(), block.count(), w_const_rows_.data(), machines_, slab_begin(slab),
                    slab_length(slab), partial_.data() + slab * values, machines_);
    });
    pending_rows_.clear();
    pool_.run(machines_, [&](int64_t k) { descend(block, k); });
    // Only rows whose variables changed take part in the update.
    int64_t kept = 0;
    for (int64_t i = 0; i < block.count(); ++i) {
      const float* change = changes_.data() + i * machines_;
      if (std::all_of(change, change + machines_, [](float d) { return d == 0.0f; })) continue;
      std::copy(change, change + machines_, changes_.data() + kept * machines_);
      pending_rows_.push_back(block.rows[size(i)]);
      ++kept;
    }
  }

  void update_slab(int64_t slab) {
    if (pending_rows_.empty()) return;
    kernels_.accumulate(pending_rows_.data(), changes_.data(), static_cast<int64_t>(pending_rows_.size()), machines_,
                        w_rows_.data(), machines_, slab_begin(slab), slab_length(slab));
    const bool has_constant = columns_ >= slab_begin(slab) && columns_ < slab_begin(slab) + slab_length(slab);
    if (options_.intercept == Intercept::kNone && has_constant) {
      for (float* w : w_rows_) w[columns_] = 0;
    }
  }

  void update_weights() {
    pool_.run(slabs_, [&](int64_t slab) { update_slab(slab); });
    pending_rows_.clear();
  }

  void compute_gram(Block& block) {
    constexpr int64_t kTile = 16;
    const int64_t gram_pitch = round_up(block.count(), kKernelStep);
    block.gram.resize(size(block.count() * gram_pitch));
    const int64_t tiles = (block.count() + kTile - 1) / kTile;
    pool_.run(tiles, [&](int64_t task) {
      const int64_t first = (tiles - 1 - task) * kTile;  // longest tiles first
      const int64_t last = std::min(block.count(), first + kTile);
      std::vector<float> part(size((last - first) * last));
      std::vector<double> total(part.size());
      for (int64_t slab = 0; slab < slabs_; ++slab) {
        kernels_.dots(block.rows.data() + first, last - first, block.rows.data(), last, slab_begin(slab),
                      slab_length(slab), part.data(), last);
        for (size_t i = 0; i < part.size(); ++i) total[i] += static_cast<double>(part[i]);
      }
      const double constant = options_.intercept == Intercept::kNone ? 1 : 0;
      for (int64_t i = first; i < last; ++i) {
        for (int64_t j = 0; j <= i; ++j) {
          const float value = static_cast<float>(total[size((i - first) * last + j)] - constant);
          block.gram[size(i * gram_pitch + j)] = value;
          block.gram[size(j * gram_pitch + i)] = value;
        }
      }
    });
  }

  // Coordinate descent for machine k inside the block's Gram matrix.
  void descend(const Block& block, int64_t k) {
    const int64_t gram_pitch = round_up(block.count(), kKernelStep);
    const int64_t values = block.count() * machines_;
    std::vector<float> score(size(gram_pitch));
    double losses = 0;
    for (int64_t i = 0; i < block.count(); ++i) {
      double total = 0;
      for (int64_t slab = 0; slab < slabs_; ++slab) {
        total += static_cast<double>(partial_[size(slab * values + i * machines_ + k)]);
      }
      score[size(i)] = static_cast<float>(total);
      losses += loss_value(options_.loss, target(block.indices[size(i)], k) * total);
    }
    pass_losses_[size(k)] += losses;
    std::vector<double> before(size(block.count()));
    for (int64_t i = 0; i < block.count(); ++i) before[size(i)] = dual(block.indices[size(i)], k);
    double first_gain = 0;
    const bool alone = n_ == block.count();  // nothing outside the block: as good as solved in here
    const int64_t sweeps = alone ? 4 * kSweeps : kSweeps;
    bool solved = false;
    for (int64_t sweep = 0; sweep < sweeps && !solved; ++sweep) {
      double gain = 0;
      for (int64_t i = 0; i < block.count(); ++i) {
        const float* gram_row = block.gram.data() + i * gram_pitch;
        const double y = target(block.indices[size(i)], k);
        double& a = dual(block.indices[size(i)], k);
        const double squared = static_cast<double>(gram_row[i]);
        const double best = best_dual(options_.loss, a, y * static_cast<double>(score[size(i)]), squared, c_);
        const double change = best - a;
        if (change == 0) continue;
        a = best;
        gain += change * change * squared;
        kernels_.axpy(static_cast<float>(y * change), gram_row, score.data(), gram_pitch);
      }
      if (sweep == 0) first_gain = gain;
      solved = alone ? sweep % kSweeps == kSweeps - 1 && is_solved(block, k, score) : gain <= 0.1 * first_gain;
    }
    if (alone && !solved && options_.loss == Loss::kSquaredHinge) solve_alone(block, k);
    for (int64_t i = 0; i < block.count(); ++i) {
      double& a = dual(block.indices[size(i)], k);
      const double old = before[size(i)];
      const float change = static_cast<float>(a - old);
      a = old + static_cast<double>(change);  // what the float32 update really adds
      if (a < 0) a = 0;
      changes_[size(i * machines_ + k)] = static_cast<float>(target(block.indices[size(i)], k)) * change;
    }
  }

  // Whether the gap of machine k is closed, for a block that is everything.
  bool is_solved(const Block& block, int64_t k, const std::vector<float>& score) {
    double half_norm = 0, loss = 0, gain = 0;
    for (int64_t i = 0; i < block.count(); ++i) {
      const int64_t index = block.indices[size(i)];
      const double margin = target(index, k) * static_cast<double>(score[size(i)]);
      half_norm += 0.5 * dual(index, k) * margin;
      loss += c_ * loss_value(options_.loss, margin);
      gain += dual_gain(options_.loss, dual(index, k), c_);
    }
    return 2 * half_norm + loss - gain <= 0.3 * tolerance_ * (half_norm + loss);
  }

  // Where descent crawls and the block is everything: exactly.
  void solve_alone(const Block& block, int64_t k) {
    std::vector<double> targets, duals;
    for (const int64_t index : block.indices) {
      targets.push_back(target(index, k));
      duals.push_back(dual(index, k));
    }
    kernel_newton(block.gram.data(), block.count(), round_up(block.count(), kKernelStep), targets, c_, 0.3 * tolerance_,
                  duals);
    for (size_t i = 0; i < duals.size(); ++i) dual(block.indices[i], k) = duals[i];
  }

  std::vector<double> half_squared_norms() const {
    std::vector<double> result;
    for (const float* w : w_rows_) {
      double total = 0;
      for (int64_t j = 0; j <= columns_; ++j) total += 0.5 * static_cast<double>(w[j]) * static_cast<double>(w[j]);
      result.push_back(total);
    }
    return result;
  }

  std::vector<double> primals(const std::vector<double>& losses) const {
    std::vector<double> result = half_squared_norms();
    for (size_t k = 0; k < result.size(); ++k) result[k] += c_ * losses[k];
    return result;
  }

  std::vector<double> duals() const {
    std::vector<double> result = half_squared_norms();
    for (double& value : result) value = -value;
    for (size_t i = 0; i < dual_.size(); ++i) result[i % result.size()] += dual_gain(options_.loss, dual_[i], c_);
    return result;
  }

  // Losses of all rows with the weights as they stand.
  std::vector<double> losses() {
    constexpr int64_t kRowsAtOnce = 64;
    std::vector<double> result(size(machines_));
    for (int64_t p = 0; p < stream_.pieces(); ++p) {
      const RowStream::Piece& piece = stream_.next();
      const int64_t n = static_cast<int64_t>(piece.rows.size());
      const int64_t tasks = (n + kRowsAtOnce - 1) / kRowsAtOnce;
      std::vector<double> task_losses(size(tasks * machines_));
      pool_.run(tasks, [&](int64_t task) {
        const int64_t first = task * kRowsAtOnce;
        const int64_t count = std::min(n - first, kRowsAtOnce);
        std::vector<float> part(size(count * machines_));
        std::vector<double> score(part.size());
        for (int64_t slab = 0; slab < slabs_; ++slab) {
          kernels_.dots(piece.rows.data() + first, count, w_const_rows_.data(), machines_, slab_begin(slab),
                        slab_length(slab), part.data(), machines_);
          for (size_t i = 0; i < part.size(); ++i) score[i] += static_cast<double>(part[i]);
        }
        for (int64_t i = 0; i < count * machines_; ++i) {
          const int64_t k = i % machines_;
          const double margin = target(piece.indices[size(first + i / machines_)], k) * score[size(i)];
          task_losses[size(task * machines_ + k)] += loss_value(options_.loss, margin);
        }
      });
      for (size_t i = 0; i < task_losses.size(); ++i) result[i % result.size()] += task_losses[i];
    }
    return result;
  }

  void finish_with_newton(SvmFit& fit) {
    std::vector<double> start(fit.model.weights.begin(), fit.model.weights.begin() + machines_ * (columns_ + 1));
    const NewtonProblem problem{set_, stream_, pool_, options_, c_, machines_, [&](int64_t passes, double gap) {
                                  if (resources_.on_pass) resources_.on_pass(fit.passes + passes, gap);
                                }};
    const NewtonResult result = newton(problem, std::move(start), options_.max_passes - fit.passes);
    fit.passes += result.passes;
    record(fit, result.primal, result.dual);
    fit.converged = is_closed(fit, options_.tolerance);
    // The next fit starts from here.
    dual_ = result.duals;
    for (int64_t k = 0; k < machines_; ++k) {
      const double* w = result.weights.data() + k * (columns_ + 1);
      std::copy(w, w + columns_ + 1, fit.model.machine(k));
      std::transform(w, w + columns_ + 1, w_.row(k), [](double value) { return static_cast<float>(value); });
      if (machines_ < set_.classes) std::transform(w, w + columns_ + 1, fit.model.machine(1), std::negate<>());
    }
  }

  void certify(SvmFit& fit) {
    record(fit, primals(losses()), duals());
    fit.converged = is_closed(fit, tolerance_);
  }

  // Rounding can put a dual above its primal: as far from the optimum as the other way round.
  static bool is_closed(const SvmFit& fit, double tolerance) {
    double sum = 0;
    for (const double gap : fit.class_gaps) sum += std::abs(gap);
    return std::isfinite(fit.primal) && sum <= tolerance * fit.primal;
  }

  void record(SvmFit& fit, const std::vector<double>& primal, const std::vector<double>& dual) const {
    fit.class_gaps.clear();
    for (size_t k = 0; k < primal.size(); ++k) fit.class_gaps.push_back(primal[k] - dual[k]);
    if (machines_ < set_.classes) fit.class_gaps.push_back(fit.class_gaps.front());
    const double copies = machines_ < set_.classes ? 2 : 1;  // the second of two classes mirrors the first
    fit.primal = copies * sum(primal);
    fit.dual = copies * sum(dual);
    fit.gap = sum(fit.class_gaps) / fit.primal;
  }

  void copy_weights(LinearModel& model) const {
    model = {set_.classes, columns_, {}};
    for (int64_t k = 0; k < set_.classes; ++k) {
      const float* w = w_rows_[size(std::min(k, machines_ - 1))];
      const double sign = k < machines_ ? 1 : -1;
      for (int64_t j = 0; j <= columns_; ++j) model.weights.push_back(sign * static_cast<double>(w[j]));
    }
  }

  const TrainingSet set_;
  const SvmOptions options_;
  const SolverResources resources_;
  const RowKernels& kernels_;
  const double tolerance_;  // of descent
  const int64_t n_, columns_, pitch_, machines_, block_rows_, slab_width_, slabs_;
  RowStream stream_;
  parallel::ThreadPool pool_;
  std::vector<Block> partitions_[kPartitions];  // of rows that stay in memory
  double c_ = 0;
  std::vector<double> dual_;         // [n, machines]
  RowBuffer w_;                      // [machines, pitch]
  std::vector<float> partial_;       // [slabs, block, machines] scores
  std::vector<float> changes_;       // [rows, machines] of y a, still to be added to the weights
  std::vector<double> pass_losses_;  // [machines]
  std::vector<float*> w_rows_;
  std::vector<const float*> w_const_rows_;
  std::vector<const float*> pending_rows_;
};

}  // namespace

std::unique_ptr<SvmSolver> make_dense_solver(const TrainingSet& set, const SvmOptions& options,
                                             const SolverResources& resources, const RowKernels& kernels) {
  return std::make_unique<DenseSolver>(set, options, resources, kernels);
}

}  // namespace dcgan::eval
