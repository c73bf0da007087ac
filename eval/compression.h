#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "eval/svm/rows.h"

namespace dcgan::eval {

/// Principal components of standardised features.
struct CompressionOptions {
  int64_t dimensions = 256;
  int64_t passes = 4;   ///< over the rows, after one for means and deviations
  bool whiten = false;  ///< every dimension gets variance 1
};

template <class Visitor>
void describe(CompressionOptions& o, Visitor&& f) {
  f(o.dimensions, "dimensions", "numbers that a row becomes");
  f(o.passes, "passes", "passes over the rows that find the components, after one for means and deviations");
  f(o.whiten, "whiten", "give every dimension variance 1, instead of the variance that it has");
}

void check(const CompressionOptions& options);

/// A row x becomes weights * x + offsets.
struct Components {
  int64_t columns = 0;            ///< D
  std::vector<float> weights;     ///< float32 [dimensions, D]
  std::vector<float> offsets;     ///< float32 [dimensions]
  std::vector<double> variances;  ///< [dimensions] of standardised rows along each component, largest first
  double total_variance = 0;      ///< of standardised rows: the number of columns that are not constant
};

struct CompressionResources {
  int64_t threads = 0;  ///< 0: one per core
  uint64_t seed = 42;
  std::function<void(int64_t done, int64_t total)> on_rows;  ///< rows read of those of all passes; may throw to stop
};

/// Subspace iteration from random directions (Halko, Martinsson, Tropp 2011, SIAM Review 53:217): a pass over the rows
/// multiplies the directions by the correlation matrix, which is never formed; the components are then found within
/// their span. Rows may stay in a file: a block of them is in memory at a time.
/// @throws OptionError or Error for fewer rows or columns than dimensions
Components principal_components(const RowSource& rows, const CompressionOptions& options,
                                const CompressionResources& resources);

}  // namespace dcgan::eval
