#include "eval/neighbours/nearest.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "dcgan/errors.h"

namespace dcgan::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

FeatureMatrix random_rows(int64_t rows, int64_t columns, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.5F, 1);
  FeatureMatrix matrix(rows, columns);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t c = 0; c < columns; ++c) matrix.row(i)[c] = normal(random);
  }
  return matrix;
}

NearestOptions options_of(int64_t k, Metric metric = Metric::kEuclidean) {
  NearestOptions options;
  options.k = k;
  options.metric = metric;
  options.threads = 2;
  return options;
}

std::vector<int64_t> rows_of(const std::vector<Neighbour>& neighbours) {
  std::vector<int64_t> rows;
  for (const Neighbour& n : neighbours) rows.push_back(n.row);
  return rows;
}

/// All distances in float64, sorted.
std::vector<Neighbour> naive(const FeatureMatrix& queries, int64_t query, const FeatureMatrix& rows, Metric metric) {
  std::vector<Neighbour> all;
  for (int64_t i = 0; i < rows.rows(); ++i) {
    double squares = 0, product = 0, a = 0, b = 0;
    for (int64_t c = 0; c < rows.columns(); ++c) {
      const double x = double{queries.row(query)[c]}, y = double{rows.row(i)[c]};
      squares += (x - y) * (x - y);
      product += x * y;
      a += x * x;
      b += y * y;
    }
    all.push_back({i, metric == Metric::kEuclidean ? std::sqrt(squares) : 1 - product / std::sqrt(a * b)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Neighbour& a, const Neighbour& b) { return a.distance < b.distance; });
  return all;
}

TEST(Nearest, AgreesWithEveryDistanceInFloat64) {
  // 1,500 columns: more than are summed at once, and no whole number of registers. 300 rows: five tasks.
  const FeatureMatrix rows = random_rows(300, 1501, 1), queries = random_rows(250, 1501, 2);
  for (const Metric metric : {Metric::kEuclidean, Metric::kCosine}) {
    const auto found = nearest(queries, rows, options_of(7, metric));
    ASSERT_EQ(found.size(), 250U);
    for (int64_t q = 0; q < 250; ++q) {
      const std::vector<Neighbour> expected = naive(queries, q, rows, metric);
      for (size_t k = 0; k < 7; ++k) {
        ASSERT_EQ(found[static_cast<size_t>(q)][k].row, expected[k].row) << "query " << q;
        ASSERT_NEAR(found[static_cast<size_t>(q)][k].distance, expected[k].distance, 1e-9);
      }
    }
  }
}

TEST(Nearest, OfARowIsTheRowItself) {
  const FeatureMatrix rows = random_rows(150, 33, 3);
  for (const Metric metric : {Metric::kEuclidean, Metric::kCosine}) {
    const auto found = nearest(rows, rows, options_of(1, metric));
    for (int64_t i = 0; i < 150; ++i) {
      EXPECT_EQ(found[static_cast<size_t>(i)][0].row, i);
      EXPECT_NEAR(found[static_cast<size_t>(i)][0].distance, 0, 1e-12);
    }
  }
}

TEST(Nearest, TellsRowsApartThatDifferByLessThanProductsInFloat32Show) {
  // All rows are 1,000 in each of 64 columns but for the row's number in thousandths in the first: squared lengths of
  // 6e7, of which float32 keeps seven digits, and distances of 1e-3.
  FeatureMatrix rows(20, 64), query(1, 64);
  for (int64_t i = 0; i < 20; ++i) {
    std::fill_n(rows.row(i), 64, 1000.0F);
    rows.row(i)[0] += static_cast<float>(i) / 1024;
  }
  std::fill_n(query.row(0), 64, 1000.0F);
  query.row(0)[0] += 7.25F / 1024;
  const auto found = nearest(query, rows, options_of(4));
  EXPECT_THAT(rows_of(found[0]), ElementsAre(7, 8, 6, 9));
  EXPECT_NEAR(found[0][0].distance, 0.25 / 1024, 1e-12);
}

TEST(Nearest, TheMetricDecides) {
  FeatureMatrix rows(2, 2), query(1, 2);
  rows.row(0)[0] = 10, rows.row(0)[1] = 0;  // in the same direction, far
  rows.row(1)[0] = 1, rows.row(1)[1] = 1;   // near, in another
  query.row(0)[0] = 1, query.row(0)[1] = 0;
  EXPECT_THAT(rows_of(nearest(query, rows, options_of(2))[0]), ElementsAre(1, 0));
  const auto by_angle = nearest(query, rows, options_of(2, Metric::kCosine))[0];
  EXPECT_THAT(rows_of(by_angle), ElementsAre(0, 1));
  EXPECT_NEAR(by_angle[1].distance, 1 - std::sqrt(0.5), 1e-12);
}

TEST(Nearest, OfEqualRowsTakesTheFirst) {
  const FeatureMatrix rows(200, 5), query(1, 5);  // all 0
  EXPECT_THAT(rows_of(nearest(query, rows, options_of(3))[0]), ElementsAre(0, 1, 2));
  EXPECT_THAT(rows_of(nearest(query, rows, options_of(3, Metric::kCosine))[0]), ElementsAre(0, 1, 2));
}

TEST(Nearest, GivesAllRowsWhereThereAreFewer) {
  const FeatureMatrix rows = random_rows(3, 4, 1);
  EXPECT_EQ(nearest(rows, rows, options_of(10))[0].size(), 3U);
}

TEST(Nearest, LittleMemoryTakesMorePassesWithTheSameResult) {
  const FeatureMatrix rows = random_rows(100, 40, 1), queries = random_rows(11, 40, 2);
  NearestOptions little = options_of(5);
  little.max_memory = 4 * row_pitch(40) * static_cast<int64_t>(sizeof(float));
  int64_t done = 0;
  little.on_rows = [&done](int64_t rows_done) { done = rows_done; };
  EXPECT_EQ(nearest_passes(queries, little), 3);
  const auto found = nearest(queries, rows, little), expected = nearest(queries, rows, options_of(5));
  EXPECT_EQ(done, 300);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(rows_of(found[i]), rows_of(expected[i]));
}

TEST(Nearest, RefusesRowsOfOtherColumns) {
  const FeatureMatrix a(2, 4), b(2, 5);
  EXPECT_THAT([&] { nearest(a, b, {}); }, ThrowsMessage<Error>(HasSubstr("4 columns, the rows 5")));
}

TEST(MostFrequent, CountsVotesAndOfEqualOnesTakesTheNearest) {
  const std::vector<int32_t> labels = {5, 6, 6, 7, 5};
  EXPECT_EQ(most_frequent({{0, 1}, {1, 2}, {2, 3}}, labels), 6);
  EXPECT_EQ(most_frequent({{3, 1}, {1, 2}, {2, 3}, {0, 4}, {4, 5}}, labels), 6);
  EXPECT_EQ(most_frequent({{0, 1}, {1, 2}, {2, 3}, {4, 5}}, labels), 5);
}

}  // namespace
}  // namespace dcgan::eval
