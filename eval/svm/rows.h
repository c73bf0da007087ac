#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "parallel/float_buffer.h"

namespace dcgan::eval {

class FeatureMatrix;

/// Rows of features, in memory or in a file. read() may be called from several threads.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual int64_t rows() const = 0;     ///< N
  virtual int64_t columns() const = 0;  ///< D
  /// Rows first .. first + count - 1; row i goes to out + i * pitch, float32 [D].
  /// @throws Error naming the row if a value is not finite.
  virtual void read(int64_t first, int64_t count, float* out, int64_t pitch) const = 0;
  /// The same rows where they lie in memory already; otherwise null.
  virtual const FeatureMatrix* in_memory() const { return nullptr; }
};

/// Floats from one row to the next in memory: D features, the constant 1 and zeros, whole kernel steps, and never a
/// multiple of 4 KiB (where the rows' cache lines would fight for the same places).
int64_t row_pitch(int64_t columns);

/// Memory of row_pitch() floats a row; column D is 1 (the intercept's feature), those after it are 0.
class RowBuffer {
 public:
  RowBuffer() = default;
  RowBuffer(int64_t rows, int64_t columns);
  float* row(int64_t i) { return data_.data() + i * pitch_; }
  const float* row(int64_t i) const { return data_.data() + i * pitch_; }
  int64_t pitch() const { return pitch_; }

 private:
  parallel::FloatBuffer data_;
  int64_t pitch_ = 0;
};

/// float32 [N, D] in memory.
class FeatureMatrix : public RowSource {
 public:
  FeatureMatrix(int64_t rows, int64_t columns) : buffer_(rows, columns), rows_(rows), columns_(columns) {}
  /// Everything from another source.
  explicit FeatureMatrix(const RowSource& source);
  int64_t rows() const override { return rows_; }
  int64_t columns() const override { return columns_; }
  void read(int64_t first, int64_t count, float* out, int64_t pitch) const override;
  const FeatureMatrix* in_memory() const override { return this; }
  float* row(int64_t i) { return buffer_.row(i); }
  const float* row(int64_t i) const { return buffer_.row(i); }

 private:
  RowBuffer buffer_;
  int64_t rows_, columns_;
};

/// 0 .. count - 1
std::vector<int64_t> all_rows(int64_t count);

/// First position of a value that is not finite, or -1.
int64_t find_not_finite(const float* values, int64_t count);

/// Rows of a source with their classes: what a machine is trained on.
struct TrainingSet {
  const RowSource& features;
  std::vector<int64_t> rows;    ///< [n] into `features`
  std::vector<int32_t> labels;  ///< [n] 0 to K - 1
  int64_t classes = 0;          ///< K
};

/// @throws Error if sizes or labels do not fit, or fewer than two classes occur.
void check(const TrainingSet& set);

}  // namespace dcgan::eval
