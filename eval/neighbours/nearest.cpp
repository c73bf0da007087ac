#include "eval/neighbours/nearest.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "dcgan/errors.h"
#include "eval/svm/row_kernels.h"
#include "parallel/thread_pool.h"

namespace dcgan::eval {
namespace {

constexpr int64_t kRowsOfTask = 64;        // 256 KB of them at a time stay in a core's cache
constexpr int64_t kColumnsAtOnce = 1024;   // summed in float32; the sums of these in float64
constexpr int64_t kQueriesAtOnce = 240;    // that pass the rows of a task while these are read once from memory
constexpr int64_t kBlockBytes = 64 << 20;  // of rows that are read at a time

// Products in float32 are off by less than this, relative to the lengths of both rows: at most 1,024 / 4 additions of a
// lane and those of its lanes, roundings of 6e-8 each.
constexpr double kProductError = 2e-5;

/// Sum of term(c) over all columns, in several sums so that it takes vectors.
template <class Term>
double sum_of(int64_t columns, const Term& term) {
  constexpr int64_t kSums = 16;
  double sums[kSums] = {};
  int64_t c = 0;
  for (; c + kSums <= columns; c += kSums) {
    for (int64_t i = 0; i < kSums; ++i) sums[i] += term(c + i);
  }
  for (; c < columns; ++c) sums[0] += term(c);
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

/// Rows of a source in memory, padded with zeros to whole kernel steps, with their squared lengths.
class Block {
 public:
  Block(int64_t rows, int64_t columns) : buffer_(rows, columns), columns_(columns) {
    for (int64_t i = 0; i < rows; ++i) buffer_.row(i)[columns] = 0;  // the SVM's intercept
  }

  void read(const RowSource& source, int64_t first, int64_t count, parallel::ThreadPool& pool) {
    source.read(first, count, buffer_.row(0), buffer_.pitch());
    squares.resize(count);
    pool.run(count, [&](int64_t i) {
      const float* const x = row(i);
      squares[i] = sum_of(columns_, [x](int64_t c) { return double{x[c]} * double{x[c]}; });
    });
  }
  const float* row(int64_t i) const { return buffer_.row(i); }
  int64_t count() const { return static_cast<int64_t>(squares.size()); }
  int64_t columns() const { return columns_; }
  int64_t padded_columns() const { return (columns_ + kKernelStep - 1) / kKernelStep * kKernelStep; }

  std::vector<double> squares;

 private:
  RowBuffer buffer_;
  int64_t columns_;
};

double exact_distance(const Block& a, int64_t i, const Block& b, int64_t j, Metric metric) {
  const float* const x = a.row(i);
  const float* const y = b.row(j);
  if (metric == Metric::kEuclidean) {
    return std::sqrt(sum_of(a.columns(), [x, y](int64_t c) {
      const double difference = double{x[c]} - double{y[c]};
      return difference * difference;
    }));
  }
  const double lengths = std::sqrt(a.squares[i] * b.squares[j]);
  if (lengths == 0) return 1;
  return 1 - sum_of(a.columns(), [x, y](int64_t c) { return double{x[c]} * double{y[c]}; }) / lengths;
}

/// Less than which the distance cannot be, given the product in float32.
double least_distance(double product, double square_a, double square_b, Metric metric) {
  const double lengths = std::sqrt(square_a * square_b);
  const double most = product + kProductError * lengths;
  if (metric == Metric::kCosine) return lengths > 0 ? 1 - most / lengths : 1;
  return std::sqrt(std::max(square_a + square_b - 2 * most, 0.0));
}

bool nearer(const Neighbour& a, const Neighbour& b) {
  return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
}

class Search {
 public:
  Search(const Block& queries, const NearestOptions& options, parallel::ThreadPool& pool)
      : queries_(queries), options_(options), pool_(pool), found_(queries.count()) {}

  void pass_over(const Block& rows, int64_t first) {
    products_.assign(queries_.count() * rows.count(), 0.0);
    pool_.run((rows.count() + kRowsOfTask - 1) / kRowsOfTask,
              [&](int64_t task) { multiply(rows, task * kRowsOfTask); });
    pool_.run(queries_.count(), [&](int64_t query) { keep_nearest(rows, first, query); });
  }

  const std::vector<std::vector<Neighbour>>& found() const { return found_; }

 private:
  void multiply(const Block& rows, int64_t first) {
    const int64_t count = std::min(kRowsOfTask, rows.count() - first);
    std::vector<const float*> a, b;
    for (int64_t i = 0; i < count; ++i) a.push_back(rows.row(first + i));
    std::vector<float> sums(kRowsOfTask * kQueriesAtOnce);
    const RowKernels& kernels = best_row_kernels();
    for (int64_t query = 0; query < queries_.count(); query += kQueriesAtOnce) {
      const int64_t now = std::min(kQueriesAtOnce, queries_.count() - query);
      b.clear();
      for (int64_t j = 0; j < now; ++j) b.push_back(queries_.row(query + j));
      for (int64_t column = 0; column < rows.padded_columns(); column += kColumnsAtOnce) {
        kernels.dots(a.data(), count, b.data(), now, column, std::min(kColumnsAtOnce, rows.padded_columns() - column),
                     sums.data(), kQueriesAtOnce);
        for (int64_t j = 0; j < now; ++j) {
          double* const to = products_.data() + (query + j) * rows.count() + first;
          for (int64_t i = 0; i < count; ++i) to[i] += double{sums[i * kQueriesAtOnce + j]};
        }
      }
    }
  }

  void keep_nearest(const Block& rows, int64_t first, int64_t query) {
    std::vector<Neighbour>& best = found_[query];  // a heap, the farthest on top, once it is full
    const double square = queries_.squares[query];
    const auto k = static_cast<size_t>(options_.k);
    for (int64_t i = 0; i < rows.count(); ++i) {
      const double product = products_[query * rows.count() + i];
      if (best.size() == k &&
          least_distance(product, square, rows.squares[i], options_.metric) > best.front().distance) {
        continue;
      }
      const Neighbour candidate = {first + i, exact_distance(queries_, query, rows, i, options_.metric)};
      if (best.size() == k) {
        if (!nearer(candidate, best.front())) continue;
        std::pop_heap(best.begin(), best.end(), nearer);
        best.pop_back();
      }
      best.push_back(candidate);
      std::push_heap(best.begin(), best.end(), nearer);
    }
  }

  const Block& queries_;
  const NearestOptions& options_;
  parallel::ThreadPool& pool_;
  std::vector<std::vector<Neighbour>> found_;
  std::vector<double> products_;  // float64 [queries, rows of the block]
};

int64_t queries_of_pass(const RowSource& queries, const NearestOptions& options) {
  const int64_t bytes = row_pitch(queries.columns()) * static_cast<int64_t>(sizeof(float));
  return std::clamp<int64_t>(options.max_memory / bytes, 1, std::max<int64_t>(queries.rows(), 1));
}

}  // namespace

void check(const NearestOptions& options) {
  require_option(options.k >= 1 && options.k <= 1'000'000, "neighbours", options.k, "from 1 to 1,000,000");
}

int64_t nearest_passes(const RowSource& queries, const NearestOptions& options) {
  const int64_t at_once = queries_of_pass(queries, options);
  return (queries.rows() + at_once - 1) / at_once;
}

std::vector<std::vector<Neighbour>> nearest(const RowSource& queries, const RowSource& rows,
                                            const NearestOptions& options) {
  if (queries.columns() != rows.columns()) {
    throw Error("queries have ", queries.columns(), " columns, the rows ", rows.columns(), ".");
  }
  parallel::ThreadPool pool(options.threads);
  const int64_t columns = rows.columns(), at_once = queries_of_pass(queries, options);
  const int64_t row_bytes = row_pitch(columns) * static_cast<int64_t>(sizeof(float));
  const int64_t block_rows = std::clamp<int64_t>(
      kBlockBytes / row_bytes, std::min(kRowsOfTask * pool.threads(), std::max<int64_t>(rows.rows(), 1)),
      std::max<int64_t>(rows.rows(), 1));
  Block block(block_rows, columns);
  std::vector<std::vector<Neighbour>> all;
  int64_t done = 0;
  for (int64_t query = 0; query < queries.rows(); query += at_once) {
    const int64_t now = std::min(at_once, queries.rows() - query);
    Block asked(now, columns);
    asked.read(queries, query, now, pool);
    Search search(asked, options, pool);
    for (int64_t first = 0; first < rows.rows(); first += block_rows) {
      const int64_t count = std::min(block_rows, rows.rows() - first);
      block.read(rows, first, count, pool);
      search.pass_over(block, first);
      done += count;
      if (options.on_rows) options.on_rows(done);
    }
    for (std::vector<Neighbour> found : search.found()) {
      std::sort_heap(found.begin(), found.end(), nearer);
      all.push_back(std::move(found));
    }
  }
  return all;
}

int32_t most_frequent(const std::vector<Neighbour>& neighbours, const std::vector<int32_t>& labels) {
  std::map<int32_t, int64_t> votes;
  int64_t most = 0;
  for (const Neighbour& n : neighbours) most = std::max(most, ++votes[labels[n.row]]);
  for (const Neighbour& n : neighbours) {
    const int32_t label = labels[n.row];
    if (votes[label] == most) return label;
  }
  throw Error("there are no neighbours to vote.");
}

}  // namespace dcgan::eval
