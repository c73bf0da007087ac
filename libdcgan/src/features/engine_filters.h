#pragma once

// Bilinear algorithms for one-dimensional filters, as compile-time matrices.
//
// A filter of k taps g, stride s, makes m outputs y from the L = s (m - 1) + k inputs d it sees:
//
//     y_o = sum_i g_i d_{s o + i}   =   A^T [ (G g) . (B^T d) ]        (. element by element)
//
// with P products instead of m k. Nested in two dimensions, P^2 matrix products over the channels replace m^2 k^2.
//
// Stride 1 (Toom, Cook, Winograd; Lavin & Gray 2016, arXiv:1509.09308): P = m + k - 1. Multiplying the polynomial of
// the taps by one of m coefficients means evaluating both at P points a_j (the last is infinity), multiplying, and
// interpolating through Lagrange's polynomials; the filter is the transpose of that product:
//
//     A^T_oj = a_j^o,   G_ji = a_j^i / prod_{l != j} (a_j - a_l),   B^T_j = coefficients of prod_{l != j} (x - a_l),
//
// and for infinity the leading coefficients and B^T = coefficients of prod_l (x - a_l). The points 0, 1, -1, 1/2, -2
// keep the rounding error low (Barabasz et al. 2018, arXiv:1803.10986).
//
// Stride 2 (Huang et al. 2020, arXiv:2002.00552): even taps meet only even inputs and odd taps only odd inputs, so the
// filter is the sum of two of stride 1. For k = 3, m = 4: 4 + 5 = 9 products instead of 12; squared, 81 instead of 144.

namespace dcgan::engine {

/// A constant matrix, row-major.
template <int kRows, int kColumns>
struct Matrix {
  double values[kRows][kColumns] = {};
};

constexpr double kPoints[] = {0, 1, -1, 0.5, -2, 2, -0.5};

constexpr double power(double base, int exponent) {
  double result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
}

/// The algorithm of m = kOutputs outputs and k = kTaps taps at stride kStride; its matrices as above.
template <int kTaps, int kStride, int kOutputs>
struct FilterAlgorithm {
  static constexpr int kInputs = kStride * (kOutputs - 1) + kTaps;  ///< L

  /// Taps that phase `phase` of the input meets.
  static constexpr int taps(int phase) { return (kTaps - phase + kStride - 1) / kStride; }

  /// With one tap or one output there is nothing to save: the products are those of the definition.
  static constexpr int phase_products(int phase) { return taps(phase) > 0 ? kOutputs + taps(phase) - 1 : 0; }

  static constexpr int count_products() {
    int products = 0;
    for (int phase = 0; phase < kStride; ++phase) products += phase_products(phase);
    return products;
  }
  static constexpr int kProducts = count_products();  ///< P

  struct Matrices {
    Matrix<kProducts, kInputs> input;    ///< B^T
    Matrix<kProducts, kTaps> filter;     ///< G
    Matrix<kOutputs, kProducts> output;  ///< A^T
  };

  static constexpr Matrices make() {
    Matrices m;
    int first = 0;
    for (int phase = 0; phase < kStride; ++phase) {
      if (kOutputs == 1 || taps(phase) == 1) {
        add_definition(m, phase, first);
      } else if (taps(phase) > 1) {
        add_interpolation(m, phase, first);
      }
      first += phase_products(phase);
    }
    return m;
  }

 private:
  // One output: product j is tap j. One tap: product j is output j.
  static constexpr void add_definition(Matrices& m, int phase, int first) {
    for (int j = 0; j < phase_products(phase); ++j) {
      m.input.values[first + j][kStride * j + phase] = 1;
      m.filter.values[first + j][kOutputs == 1 ? kStride * j + phase : phase] = 1;
      m.output.values[kOutputs == 1 ? 0 : j][first + j] = 1;
    }
  }

  static constexpr void add_interpolation(Matrices& m, int phase, int first) {
    const int infinity = phase_products(phase) - 1;
    for (int j = 0; j <= infinity; ++j) {
      double scale = 1;
      int degree = 0;
      double polynomial[kOutputs + kTaps] = {1};
      for (int l = 0; l < infinity; ++l) {
        if (l == j) continue;
        if (j != infinity) scale *= kPoints[j] - kPoints[l];
        ++degree;
        for (int i = degree; i > 0; --i) polynomial[i] = polynomial[i - 1] - kPoints[l] * polynomial[i];
        polynomial[0] *= -kPoints[l];
      }
      for (int i = 0; i <= degree; ++i) m.input.values[first + j][kStride * i + phase] = polynomial[i];
      for (int i = 0; i < taps(phase); ++i) {
        m.filter.values[first + j][kStride * i + phase] =
            j == infinity ? (i == taps(phase) - 1 ? 1.0 : 0.0) : power(kPoints[j], i) / scale;
      }
      for (int o = 0; o < kOutputs; ++o) {
        m.output.values[o][first + j] = j == infinity ? (o == kOutputs - 1 ? 1.0 : 0.0) : power(kPoints[j], o);
      }
    }
  }
};

}  // namespace dcgan::engine
