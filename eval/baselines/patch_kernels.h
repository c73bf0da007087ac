#pragma once

#include <cstdint>
#include <vector>

namespace dcgan::eval {

/// float32 [depth, columns] for products with few rows of patches: panels of kPanel columns, each [depth, kPanel], the
/// last filled up with zeros.
class PanelMatrix {
 public:
  static constexpr int64_t kPanel = 16;

  /// @param transposed  float32 [columns, depth]
  PanelMatrix(const float* transposed, int64_t columns, int64_t depth);

  int64_t depth() const { return depth_; }
  int64_t columns() const { return columns_; }
  int64_t padded_columns() const { return (columns_ + kPanel - 1) / kPanel * kPanel; }
  const float* panel(int64_t p) const { return values_.data() + p * kPanel * depth_; }

 private:
  int64_t columns_, depth_;
  std::vector<float> values_;
};

/// The inner loops of the K-means baseline, compiled for one instruction set. One thread of a 2.45 GHz Zen 3 does 90
/// GFLOP/s in `multiply` at depth 108, against 80 in OpenBLAS's sgemm and 60 in LibTorch's mm.
struct PatchKernels {
  const char* name;  ///< "plain", "avx2"

  /// out[i, j] = rows[i, :] . matrix[:, j], float32 [n, padded_columns]; rows float32 [n, depth]
  void (*multiply)(const float* rows, int64_t n, const PanelMatrix& matrix, float* out);

  /// The column with the largest products[j] - half_squares[j]; of equal ones the first.
  int64_t (*nearest)(const float* products, const float* half_squares, int64_t columns);

  /// pool[j] += max(0, mean(z) - z[j]), z[j] = sqrt(2 (half_square + half_squares[j] - products[j])): the "triangle"
  /// activation. `products` is overwritten.
  void (*add_triangle)(float* products, float half_square, const float* half_squares, int64_t columns, float* pool);
};

/// Those that this processor can run, slowest first.
const std::vector<PatchKernels>& available_patch_kernels();

}  // namespace dcgan::eval
