#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "dcgan/options.h"
#include "eval/svm/rows.h"

namespace dcgan::eval {

/// How far two rows are from each other: the length of their difference, or 1 - the cosine of the angle between them
/// (1 where a row is 0).
enum class Metric { kEuclidean, kCosine };

}  // namespace dcgan::eval

namespace dcgan {

template <>
struct EnumNames<eval::Metric> {
  static constexpr std::array<std::string_view, 2> kNames = {"euclidean", "cosine"};
};

}  // namespace dcgan

namespace dcgan::eval {

struct Neighbour {
  int64_t row = 0;
  double distance = 0;
};

struct NearestOptions {
  int64_t k = 10;  ///< neighbours of each query
  Metric metric = Metric::kEuclidean;
  int64_t threads = 0;                             ///< 0: one per core
  int64_t max_memory = int64_t{2} << 30;           ///< bytes for queries; more of them take more than one pass
  std::function<void(int64_t rows_done)> on_rows;  ///< of all passes; may be empty, may throw to stop
};

template <class Visitor>
void describe(NearestOptions& o, Visitor&& f) {
  f(o.k, "neighbours,k", "nearest rows of each");
  f(o.metric, "metric", "euclidean: length of the difference; cosine: 1 - cosine of the angle between two rows");
}

/// Throws OptionError that names the flag, the value and the rule.
void check(const NearestOptions& options);

/// The k nearest rows of each query, nearest first, of equal ones the first; all rows where there are fewer than k.
/// Exact: products in float32 only pass over rows that cannot be among the nearest, whose distances are float64.
/// Reads the rows in blocks, in order, so that they may be in a file larger than memory.
/// @return [queries.rows()]
std::vector<std::vector<Neighbour>> nearest(const RowSource& queries, const RowSource& rows,
                                            const NearestOptions& options);

/// How many passes over the rows that takes.
int64_t nearest_passes(const RowSource& queries, const NearestOptions& options);

/// The class that most of the neighbours have; of equally frequent ones that of the nearest.
/// @param labels  of all rows
int32_t most_frequent(const std::vector<Neighbour>& neighbours, const std::vector<int32_t>& labels);

}  // namespace dcgan::eval
