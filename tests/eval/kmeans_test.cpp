#include "eval/baselines/kmeans.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "eval/baselines/patch_kernels.h"

namespace dcgan::eval {
namespace {

using testing::HasSubstr;

// As golden/make_eval_kmeans.py makes them.
ImageBatch images() {
  ImageBatch batch;
  batch.height = batch.width = 16;
  batch.paths.resize(3);
  for (int64_t i = 0; i < 3 * 16 * 16 * 3; ++i) {
    batch.pixels.push_back(static_cast<uint8_t>((7 * i * i + 13 * i + 31 * (i / 97)) % 251));
  }
  return batch;
}

Matrix all_patches(const ImageBatch& batch) {
  Matrix patches(3 * 11 * 11, kPatchValues);
  for (int64_t i = 0; i < patches.rows; ++i) {
    normalised_patch(batch, i / 121, i % 121 / 11, i % 11, patches.row(i));
  }
  return patches;
}

KmeansDictionary dictionary() {
  const Matrix patches = all_patches(images());
  Whitening whitening = learn_whitening(patches);
  const Matrix white = whiten(patches, whitening);
  Matrix centroids(9, kPatchValues);
  for (int64_t k = 0; k < 9; ++k) std::copy_n(white.row(40 * k), kPatchValues, centroids.row(k));
  return {std::move(whitening), learn_centroids(white, std::move(centroids), 3, {})};
}

template <class T>
void expect_near(const T* values, const nlohmann::json& expected, double tolerance) {
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(values[i]), expected[i].get<double>(), tolerance) << "value " << i;
  }
}

TEST(Kmeans, AgreesWithNumpyInEveryStep) {
  const nlohmann::json golden =
      nlohmann::json::parse(std::ifstream(DCGAN_SOURCE_DIR "/tests/golden/data/eval/kmeans.json"));
  const Matrix patches = all_patches(images());
  const KmeansDictionary learned = dictionary();
  expect_near(learned.whitening.mean.data(), golden["mean"], 1e-6);
  expect_near(learned.whitening.matrix.data() + 17 * kPatchValues, golden["matrix_row_17"], 1e-6);
  expect_near(whiten(patches, learned.whitening).row(100), golden["white_row_100"], 1e-5);
  expect_near(learned.centroids.row(4), golden["centroid_4"], 1e-5);
  const auto features = kmeans_features(images(), learned, {});
  ASSERT_EQ(features->columns(), 36);
  for (int64_t i = 0; i < 3; ++i) expect_near(features->row(i), golden["features"][static_cast<size_t>(i)], 1e-3);
  FeatureMatrix test(static_cast<const RowSource&>(*features));
  standardise(*features, test);
  for (int64_t i = 0; i < 3; ++i) {
    expect_near(features->row(i), golden["standardised"][static_cast<size_t>(i)], 1e-3);
    expect_near(test.row(i), golden["standardised"][static_cast<size_t>(i)], 1e-3);
  }
}

TEST(Kmeans, WhitenedPatchesHaveACovarianceNearTheIdentityWhereTheFloorIsSmall) {
  const Matrix patches = all_patches(images());
  const Whitening whitening = learn_whitening(patches);
  const Whitening again = learn_whitening(whiten(patches, whitening));
  // An eigenvalue v becomes v / (v + 0.1) < 1, and the second whitening's matrix 1 / sqrt(that + 0.1).
  for (int64_t d = 0; d < kPatchValues; ++d) {
    EXPECT_GT(again.matrix[static_cast<size_t>(d * (kPatchValues + 1))], 1 / std::sqrt(1.1));
    EXPECT_NEAR(again.mean[static_cast<size_t>(d)], 0, 1e-5);
  }
}

TEST(Kmeans, EachIterationBringsThePatchesNearerToTheirCentroids) {
  const Matrix patches = all_patches(images());
  Matrix centroids(5, kPatchValues);
  std::copy_n(patches.values.begin(), centroids.values.size(), centroids.values.begin());
  double before = INFINITY;
  for (int iteration = 0; iteration < 5; ++iteration) {
    double sum = 0;
    for (int64_t i = 0; i < patches.rows; ++i) {
      double nearest = INFINITY;
      for (int64_t k = 0; k < 5; ++k) {
        double squares = 0;
        for (int64_t d = 0; d < kPatchValues; ++d) {
          squares += std::pow(static_cast<double>(patches.row(i)[d] - centroids.row(k)[d]), 2);
        }
        nearest = std::min(nearest, squares);
      }
      sum += nearest;
    }
    EXPECT_LT(sum, before);
    before = sum;
    centroids = learn_centroids(patches, std::move(centroids), 1, {});
  }
}

TEST(Kmeans, DoesNotDependOnThreadsOrBrightness) {
  const KmeansDictionary learned = dictionary();
  ImageBatch brighter = images();
  for (uint8_t& pixel : brighter.pixels) pixel = static_cast<uint8_t>(pixel + 4);
  const auto one = kmeans_features(images(), learned, {1, {}}), three = kmeans_features(images(), learned, {3, {}});
  const auto bright = kmeans_features(brighter, learned, {});
  for (int64_t c = 0; c < 36; ++c) {
    EXPECT_EQ(one->row(2)[c], three->row(2)[c]);
    EXPECT_NEAR(one->row(2)[c], bright->row(2)[c], 1e-3);
  }
  const auto centroids = [&](int64_t threads) {
    return learn_dictionary(images(), {7, 200, 3}, 1, {threads, {}}).centroids.values;
  };
  EXPECT_EQ(centroids(1), centroids(3));
}

TEST(Kmeans, EveryOptionAndTheSeedChangeTheDictionary) {
  const auto learn = [&](const KmeansOptions& options, uint64_t seed) {
    return learn_dictionary(images(), options, seed, {}).centroids.values;
  };
  const auto base = learn({7, 200, 3}, 1);
  EXPECT_EQ(base, learn({7, 200, 3}, 1));
  EXPECT_NE(base, learn({7, 200, 3}, 2));
  EXPECT_NE(base, learn({7, 201, 3}, 1));
  EXPECT_NE(base, learn({7, 200, 0}, 1));
  EXPECT_EQ(learn({8, 200, 3}, 1).size(), 8U * 108U);
}

TEST(Kmeans, RefusesImpossibleOptionsAndStopsWhenItsCallerThrows) {
  const auto message = [](const KmeansOptions& options) {
    try {
      check(options);
    } catch (const OptionError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(message({1, 10, 1}), HasSubstr("--kmeans is 1; it must be 0 or at least 2"));
  EXPECT_THAT(message({20, 10, 1}), HasSubstr("--kmeans-patches is 10; it must be at least the number of centroids"));
  EXPECT_THAT(message({2, 10, -1}), HasSubstr("--kmeans-iterations is -1"));
  const KmeansResources stop = {1, [](const std::string&, int64_t, int64_t) { throw Error("stop"); }};
  EXPECT_THROW(kmeans_features(images(), dictionary(), stop), Error);
  EXPECT_THROW(learn_dictionary(images(), {2, 10, 1}, 1, stop), Error);
}

TEST(PatchKernels, AllInstructionSetsAgreeWithPlainSumsForAnyWidth) {
  for (const int64_t columns : {1, 15, 16, 37, 100}) {
    const int64_t n = 8, depth = 9;
    std::vector<float> rows, transposed;
    for (int64_t i = 0; i < n * depth; ++i) rows.push_back(static_cast<float>(std::sin(0.7 * static_cast<double>(i))));
    for (int64_t i = 0; i < columns * depth; ++i) {
      transposed.push_back(static_cast<float>(std::cos(0.3 * static_cast<double>(i))));
    }
    const PanelMatrix matrix(transposed.data(), columns, depth);
    for (const PatchKernels& kernels : available_patch_kernels()) {
      std::vector<float> products(static_cast<size_t>(n * matrix.padded_columns()));
      kernels.multiply(rows.data(), n, matrix, products.data());
      for (int64_t i = 0; i < n; ++i) {
        float* row = products.data() + i * matrix.padded_columns();
        std::vector<float> halves, distances;
        double mean = 0;
        for (int64_t j = 0; j < columns; ++j) {
          double expected = 0, squares = 0;
          for (int64_t d = 0; d < depth; ++d) {
            const auto a = static_cast<double>(rows[static_cast<size_t>(i * depth + d)]);
            const auto b = static_cast<double>(transposed[static_cast<size_t>(j * depth + d)]);
            expected += a * b;
            squares += b * b;
          }
          EXPECT_NEAR(row[j], expected, 1e-5) << kernels.name;
          halves.push_back(static_cast<float>(squares / 2));
          distances.push_back(std::sqrt(std::max(0.0f, 2 * (10 + halves.back() - row[j]))));
          mean += static_cast<double>(distances.back()) / static_cast<double>(columns);
        }
        const auto nearest = std::min_element(distances.begin(), distances.end()) - distances.begin();
        EXPECT_EQ(kernels.nearest(row, halves.data(), columns), nearest) << kernels.name << " " << columns;
        std::vector<float> pool(static_cast<size_t>(columns), 1.0f);
        kernels.add_triangle(row, 10, halves.data(), columns, pool.data());
        for (size_t j = 0; j < pool.size(); ++j) {
          EXPECT_NEAR(pool[j], 1 + std::max(0.0, mean - static_cast<double>(distances[j])), 1e-4) << kernels.name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace dcgan::eval
