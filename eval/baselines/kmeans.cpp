#include "eval/baselines/kmeans.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <random>

#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/seeds.h"
#include "eval/baselines/patch_kernels.h"
#include "parallel/thread_pool.h"

namespace dcgan::eval {
namespace {

// Rows whose products with all centroids stay in the second-level cache.
constexpr int64_t kBlock = 24;

const PatchKernels& kernels() { return available_patch_kernels().back(); }

void report(const KmeansResources& resources, const char* what, int64_t done, int64_t total) {
  if (resources.on_progress) resources.on_progress(what, done, total);
}

float half_square(const float* x, int64_t count) {
  float sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += x[i] * x[i];
  return sum / 2;
}

std::vector<float> half_squares(const Matrix& m) {
  std::vector<float> halves;
  for (int64_t i = 0; i < m.rows; ++i) halves.push_back(half_square(m.row(i), m.columns));
  return halves;
}

PanelMatrix panels(const Matrix& centroids) { return {centroids.values.data(), centroids.rows, centroids.columns}; }

PanelMatrix panels(const Whitening& whitening) {
  const std::vector<float> matrix(whitening.matrix.begin(), whitening.matrix.end());
  const auto side = static_cast<int64_t>(whitening.mean.size());
  return {matrix.data(), side, side};
}

}  // namespace

void check(const KmeansOptions& options) {
  require_option(options.centroids == 0 || options.centroids >= 2, "kmeans", options.centroids, "0 or at least 2");
  require_option(options.patches >= options.centroids && options.patches >= 1, "kmeans-patches", options.patches,
                 "at least the number of centroids");
  require_option(options.iterations >= 0, "kmeans-iterations", options.iterations, "0 or more");
}

void normalised_patch(const ImageBatch& images, int64_t image, int64_t row, int64_t column, float* patch) {
  constexpr int64_t kRowValues = kPatchSide * 3;
  int32_t sum = 0, squares = 0;
  for (int64_t y = 0; y < kPatchSide; ++y) {
    const uint8_t* from = images.pixels.data() + ((image * images.height + row + y) * images.width + column) * 3;
    for (int64_t i = 0; i < kRowValues; ++i) {
      sum += from[i];
      squares += from[i] * from[i];
      patch[y * kRowValues + i] = from[i];
    }
  }
  constexpr double kCount = kPatchValues;
  const double mean = sum / kCount;
  const double variance = (squares - sum * mean) / (kCount - 1);
  const auto shift = static_cast<float>(mean);
  const auto scale = static_cast<float>(1 / std::sqrt(variance + kContrastFloor));
  for (int64_t i = 0; i < kPatchValues; ++i) patch[i] = (patch[i] - shift) * scale;
}

Matrix random_patches(const ImageBatch& images, int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](int64_t limit) { return static_cast<int64_t>(random() % static_cast<uint64_t>(limit)); };
  Matrix patches(count, kPatchValues);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t image = below(images.count());
    const int64_t row = below(images.height - kPatchSide + 1);
    normalised_patch(images, image, row, below(images.width - kPatchSide + 1), patches.row(i));
  }
  return patches;
}

Whitening learn_whitening(const Matrix& patches) {
  const auto n = static_cast<size_t>(patches.columns);
  Whitening whitening;
  whitening.mean.assign(n, 0);
  for (int64_t i = 0; i < patches.rows; ++i) {
    for (size_t d = 0; d < n; ++d) whitening.mean[d] += static_cast<double>(patches.row(i)[d]);
  }
  for (double& value : whitening.mean) value /= static_cast<double>(patches.rows);
  whitening.matrix.assign(n * n, 0);
  std::vector<double> centred(n);
  Eigen::Map<Eigen::MatrixXd> covariance(whitening.matrix.data(), patches.columns, patches.columns);
  for (int64_t i = 0; i < patches.rows; ++i) {
    for (size_t d = 0; d < n; ++d) centred[d] = static_cast<double>(patches.row(i)[d]) - whitening.mean[d];
    for (size_t a = 0; a < n; ++a) {
      for (size_t b = 0; b < n; ++b) whitening.matrix[a * n + b] += centred[a] * centred[b];
    }
  }
  covariance /= static_cast<double>(std::max<int64_t>(patches.rows - 1, 1));
  covariance.diagonal().array() += kWhiteningFloor;
  covariance = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(covariance).operatorInverseSqrt();
  return whitening;
}

namespace {

// Subtracts the mean and multiplies, for up to kBlock patches; `out` float32 [n, D].
void whiten_block(float* patches, int64_t n, const Whitening& whitening, const PanelMatrix& matrix, float* out) {
  const int64_t depth = matrix.depth(), padded = matrix.padded_columns();
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t d = 0; d < depth; ++d) {
      patches[i * depth + d] -= static_cast<float>(whitening.mean[d]);
    }
  }
  std::vector<float> products(n * padded);
  kernels().multiply(patches, n, matrix, products.data());
  for (int64_t i = 0; i < n; ++i) std::copy_n(products.data() + i * padded, depth, out + i * depth);
}

}  // namespace

Matrix whiten(const Matrix& patches, const Whitening& whitening) {
  const PanelMatrix matrix = panels(whitening);
  Matrix centred = patches, white(patches.rows, patches.columns);
  for (int64_t i = 0; i < patches.rows; i += kBlock) {
    whiten_block(centred.row(i), std::min(kBlock, patches.rows - i), whitening, matrix, white.row(i));
  }
  return white;
}

Matrix learn_centroids(const Matrix& patches, Matrix centroids, int64_t iterations, const KmeansResources& resources) {
  parallel::ThreadPool pool(resources.threads);
  std::vector<int64_t> nearest(patches.rows);
  const int64_t blocks = (patches.rows + kBlock - 1) / kBlock;
  for (int64_t iteration = 0; iteration < iterations; ++iteration) {
    report(resources, "K-means", iteration, iterations);
    const PanelMatrix matrix = panels(centroids);
    const std::vector<float> halves = half_squares(centroids);
    pool.run(blocks, [&](int64_t b) {
      const int64_t first = b * kBlock, n = std::min(kBlock, patches.rows - first);
      std::vector<float> products(n * matrix.padded_columns());
      kernels().multiply(patches.row(first), n, matrix, products.data());
      for (int64_t i = 0; i < n; ++i) {
        nearest[first + i] =
            kernels().nearest(products.data() + i * matrix.padded_columns(), halves.data(), centroids.rows);
      }
    });
    // In the order of the patches, so that the sums do not depend on the threads.
    std::vector<double> sums(centroids.values.size());
    std::vector<int64_t> members(centroids.rows);
    for (int64_t i = 0; i < patches.rows; ++i) {
      const int64_t k = nearest[i];
      ++members[k];
      double* sum = sums.data() + k * patches.columns;
      for (int64_t d = 0; d < patches.columns; ++d) sum[d] += static_cast<double>(patches.row(i)[d]);
    }
    bool moved = false;
    for (int64_t k = 0; k < centroids.rows; ++k) {
      const auto count = static_cast<double>(members[k]);
      if (count == 0) continue;
      for (int64_t d = 0; d < patches.columns; ++d) {
        const auto value = static_cast<float>(sums[k * patches.columns + d] / count);
        moved = moved || value != centroids.row(k)[d];
        centroids.row(k)[d] = value;
      }
    }
    if (!moved) break;
  }
  return centroids;
}

KmeansDictionary learn_dictionary(const ImageBatch& images, const KmeansOptions& options, uint64_t seed,
                                  const KmeansResources& resources) {
  check(options);
  if (images.height < kPatchSide || images.width < kPatchSide) {
    throw Error("images of ", images.width, "x", images.height, " pixels are too small for patches of 6x6.");
  }
  report(resources, "patches", 0, options.patches);
  const Matrix patches = random_patches(images, options.patches, derive_seed(seed, "K-means patches"));
  Whitening whitening = learn_whitening(patches);
  const Matrix white = whiten(patches, whitening);
  // The patches are in random order already: the first K of them are random ones.
  Matrix centroids(options.centroids, kPatchValues);
  std::copy_n(white.values.begin(), centroids.values.size(), centroids.values.begin());
  return {std::move(whitening), learn_centroids(white, std::move(centroids), options.iterations, resources)};
}

std::unique_ptr<FeatureMatrix> kmeans_features(const ImageBatch& images, const KmeansDictionary& dictionary,
                                               const KmeansResources& resources) {
  const int64_t centroids = dictionary.centroids.rows;
  const PanelMatrix whitening = panels(dictionary.whitening), matrix = panels(dictionary.centroids);
  const std::vector<float> halves = half_squares(dictionary.centroids);
  auto features = std::make_unique<FeatureMatrix>(images.count(), 4 * centroids);
  const int64_t rows = images.height - kPatchSide + 1, columns = images.width - kPatchSide + 1;
  const auto encode = [&](int64_t image) {
    float* pools = features->row(image);
    std::fill_n(pools, 4 * centroids, 0.0f);
    std::vector<float> patches(kBlock * kPatchValues), white(patches.size());
    std::vector<float> products(kBlock * matrix.padded_columns());
    for (int64_t first = 0; first < rows * columns; first += kBlock) {
      const int64_t n = std::min(kBlock, rows * columns - first);
      for (int64_t i = 0; i < n; ++i) {
        normalised_patch(images, image, (first + i) / columns, (first + i) % columns,
                         patches.data() + i * kPatchValues);
      }
      whiten_block(patches.data(), n, dictionary.whitening, whitening, white.data());
      kernels().multiply(white.data(), n, matrix, products.data());
      for (int64_t i = 0; i < n; ++i) {
        const int64_t lower = (first + i) / columns >= (rows + 1) / 2,
                      right = (first + i) % columns >= (columns + 1) / 2;
        kernels().add_triangle(products.data() + i * matrix.padded_columns(),
                               half_square(white.data() + i * kPatchValues, kPatchValues), halves.data(), centroids,
                               pools + (2 * lower + right) * centroids);
      }
    }
  };
  parallel::ThreadPool pool(resources.threads);
  constexpr int64_t kImagesAtOnce = 64;
  for (int64_t i = 0; i < images.count(); i += kImagesAtOnce) {
    report(resources, "K-means features", i, images.count());
    pool.run(std::min(kImagesAtOnce, images.count() - i), [&](int64_t j) { encode(i + j); });
  }
  return features;
}

void standardise(FeatureMatrix& training, FeatureMatrix& test) {
  const int64_t n = training.rows(), columns = training.columns();
  std::vector<double> mean(columns), squares(mean.size());
  const auto add = [&](auto&& each) {
    for (int64_t i = 0; i < n; ++i) {
      const float* row = training.row(i);
      for (size_t c = 0; c < mean.size(); ++c) each(c, static_cast<double>(row[c]));
    }
  };
  add([&](size_t c, double x) { mean[c] += x; });
  for (double& value : mean) value /= static_cast<double>(n);
  add([&](size_t c, double x) { squares[c] += (x - mean[c]) * (x - mean[c]); });
  std::vector<float> shift(mean.begin(), mean.end()), scale;
  for (const double sum : squares) {
    const double variance = sum / static_cast<double>(std::max<int64_t>(n - 1, 1));
    scale.push_back(static_cast<float>(1 / std::sqrt(variance + kStandardFloor)));
  }
  for (FeatureMatrix* matrix : {&training, &test}) {
    for (int64_t i = 0; i < matrix->rows(); ++i) {
      float* row = matrix->row(i);
      for (size_t c = 0; c < mean.size(); ++c) row[c] = (row[c] - shift[c]) * scale[c];
    }
  }
}

}  // namespace dcgan::eval
