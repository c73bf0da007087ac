#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/images.h"
#include "eval/svm/rows.h"

namespace dcgan::eval {

// Coates, Lee, Ng 2011 (AISTATS, "An analysis of single-layer networks in unsupervised feature learning"), sections 3
// and 4: patches of 6x6 pixels at every position, each normalised in brightness and contrast, ZCA whitening, Euclidean
// K-means, the "triangle" activation, sums over the four quadrants, and standardised features for a linear SVM.

constexpr int64_t kPatchSide = 6;                              // their best receptive field
constexpr int64_t kPatchValues = kPatchSide * kPatchSide * 3;  // rows of pixels, RGB interleaved
constexpr double kContrastFloor = 10;                          // added to a patch's variance, pixels 0 to 255
constexpr double kWhiteningFloor = 0.1;                        // added to the eigenvalues
constexpr double kStandardFloor = 0.01;                        // added to a feature's variance
static_assert(kPatchValues == 108);

struct KmeansOptions {
  int64_t centroids = 0;
  int64_t patches = 400'000;
  int64_t iterations = 50;
};

template <class Visitor>
void describe(KmeansOptions& o, Visitor&& f) {
  f(o.centroids, "kmeans",
    "centroids of the K-means baseline, published 1600 and 4000 (4800 in Table 1); 0: no such row");
  f(o.patches, "kmeans-patches", "random patches of the training images that whitening and centroids are learned from");
  f(o.iterations, "kmeans-iterations", "iterations of K-means");
}

/// Throws OptionError that names the flag, the value and the rule.
void check(const KmeansOptions& options);

/// float32 [rows, columns], row-major.
struct Matrix {
  Matrix(int64_t row_count, int64_t column_count)
      : rows(row_count), columns(column_count), values(static_cast<size_t>(row_count * column_count)) {}
  float* row(int64_t i) { return values.data() + i * columns; }
  const float* row(int64_t i) const { return values.data() + i * columns; }

  int64_t rows, columns;
  std::vector<float> values;
};

struct KmeansResources {
  int64_t threads = 0;  ///< 0: one per core; changes no digit
  /// What is being done, and how much of it; may be empty; may throw to stop.
  std::function<void(const std::string& what, int64_t done, int64_t total)> on_progress;
};

/// The 108 values of the patch whose upper left corner is (row, column): (x - mean) / sqrt(variance + 10).
void normalised_patch(const ImageBatch& images, int64_t image, int64_t row, int64_t column, float* patch);

/// @return float32 [count, 108], normalised, from random places of random images
Matrix random_patches(const ImageBatch& images, int64_t count, uint64_t seed);

/// x -> (x - mean) matrix, with matrix = (covariance + 0.1 I)^(-1/2).
struct Whitening {
  std::vector<double> mean;    ///< [D]
  std::vector<double> matrix;  ///< [D, D], symmetric
};
Whitening learn_whitening(const Matrix& patches);
Matrix whiten(const Matrix& patches, const Whitening& whitening);

/// Lloyd's algorithm. A centroid that no patch is nearest to stays where it is.
/// @param patches  float32 [n, D]   @param centroids  float32 [K, D] to begin with   @return float32 [K, D]
Matrix learn_centroids(const Matrix& patches, Matrix centroids, int64_t iterations, const KmeansResources& resources);

/// A dictionary of patches.
struct KmeansDictionary {
  Whitening whitening;
  Matrix centroids;  ///< whitened, [K, 108]
};

/// Begins with random patches as centroids.
KmeansDictionary learn_dictionary(const ImageBatch& images, const KmeansOptions& options, uint64_t seed,
                                  const KmeansResources& resources);

/// @return float32 [N, 4 K]: the sums of max(0, mean distance - distance) over the quadrants, upper left, upper right,
///         lower left, lower right, each [K]. The upper (left) half has the odd row (column).
std::unique_ptr<FeatureMatrix> kmeans_features(const ImageBatch& images, const KmeansDictionary& dictionary,
                                               const KmeansResources& resources);

/// Each feature minus its mean, divided by sqrt(variance + 0.01); both of the training rows.
void standardise(FeatureMatrix& training, FeatureMatrix& test);

}  // namespace dcgan::eval
