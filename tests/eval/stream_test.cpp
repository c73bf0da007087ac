#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "eval/svm/row_stream.h"
#include "svm_data.h"

namespace dcgan::eval {
namespace {

TEST(RowPitch, HoldsTheConstantAndIsNeverAMultipleOf4KiB) {
  for (int64_t columns = 1; columns < 5000; ++columns) {
    ASSERT_GT(row_pitch(columns), columns);
    ASSERT_EQ(row_pitch(columns) % 16, 0);
    ASSERT_NE(row_pitch(columns) % 1024, 0);
  }
}

TEST(FindNotFinite, TellsThePosition) {
  std::vector<float> values(40, 1);
  EXPECT_EQ(find_not_finite(values.data(), 40), -1);
  values[33] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(find_not_finite(values.data(), 40), 33);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(find_not_finite(values.data(), 40), 5);
}

struct Hidden : RowSource {
  explicit Hidden(const FeatureMatrix& m) : matrix(m) {}
  int64_t rows() const override { return matrix.rows(); }
  int64_t columns() const override { return matrix.columns(); }
  void read(int64_t first, int64_t count, float* out, int64_t pitch) const override {
    matrix.read(first, count, out, pitch);
  }
  const FeatureMatrix& matrix;
};

TEST(RowStream, GivesEachRowOncePerRoundInOtherCompany) {
  const SvmData data = clouds(500, 20, 2, 1);
  const Hidden source(*data.matrix);
  TrainingSet set{source, {}, {}, 2};
  for (int64_t i = 0; i < 500; i += 2) set.rows.push_back(i), set.labels.push_back(0);  // a subset with gaps
  RowStream stream(set, 64 * row_pitch(20) * 4 * 2, 1);
  ASSERT_EQ(stream.pieces(), 4);
  std::set<int64_t> first_pieces[2];
  for (auto& first : first_pieces) {
    std::set<int64_t> seen;
    for (int64_t p = 0; p < stream.pieces(); ++p) {
      const RowStream::Piece& piece = stream.next();
      for (size_t i = 0; i < piece.rows.size(); ++i) {
        const int64_t index = piece.indices[i];
        EXPECT_TRUE(seen.insert(index).second);
        EXPECT_EQ(piece.rows[i][3], data.matrix->row(set.rows[static_cast<size_t>(index)])[3]);
        EXPECT_EQ(piece.rows[i][20], 1) << "the intercept's feature";
        if (p == 0) first.insert(index);
      }
    }
    EXPECT_EQ(seen.size(), 250u);
  }
  EXPECT_NE(first_pieces[0], first_pieces[1]);
}

}  // namespace
}  // namespace dcgan::eval
