#pragma once

#include <cstdint>

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
//
// The adjoint (a fractionally strided convolution; the gradient with respect to the inputs) has as many outputs as the
// filter has inputs, y_o = sum of g_t d_i over s i + t - p = o, p = floor((k - 1) / 2): outputs of one remainder modulo
// s meet the same taps, so that each of the s phases is again a filter of stride 1, with its taps reversed. Equally
// many products.

namespace dcgan::kernels {

/// A constant matrix, row-major.
template <int kRows, int kColumns>
struct Matrix {
  double values[kRows][kColumns] = {};
};

template <int kRows, int kColumns>
constexpr Matrix<kColumns, kRows> transpose(const Matrix<kRows, kColumns>& m) {
  Matrix<kColumns, kRows> result;
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) result.values[j][i] = m.values[i][j];
  }
  return result;
}

/// Which rows of a matrix differ.
template <int kRows>
struct DistinctRows {
  int count = 0;
  int number[kRows] = {};  ///< of each row among those that differ
  int first[kRows] = {};   ///< [count], the first row of each kind
};

template <int kRows, int kColumns>
constexpr bool same_row(const Matrix<kRows, kColumns>& m, int a, int b) {
  for (int j = 0; j < kColumns; ++j) {
    if (m.values[a][j] != m.values[b][j]) return false;
  }
  return true;
}

template <int kRows, int kColumns>
constexpr DistinctRows<kRows> distinct_rows(const Matrix<kRows, kColumns>& m) {
  DistinctRows<kRows> rows;
  for (int i = 0; i < kRows; ++i) {
    int kind = 0;
    while (kind < rows.count && !same_row(m, i, rows.first[kind])) ++kind;
    if (kind == rows.count) rows.first[rows.count++] = i;
    rows.number[i] = kind;
  }
  return rows;
}

template <int kCount, int kRows, int kColumns>
constexpr Matrix<kCount, kColumns> first_rows(const Matrix<kRows, kColumns>& m, const DistinctRows<kRows>& rows) {
  Matrix<kCount, kColumns> result;
  for (int i = 0; i < kCount; ++i) {
    for (int j = 0; j < kColumns; ++j) result.values[i][j] = m.values[rows.first[i]][j];
  }
  return result;
}

/// A product of a nested algorithm, and its filter among the different ones, both numbered row by row.
struct Product {
  uint8_t point, filter;
};

template <int kRows>
struct Products {
  Product values[kRows * kRows] = {};
};

/// All products, those of a filter together.
template <int kRows>
constexpr Products<kRows> products_by_filter(const DistinctRows<kRows>& rows) {
  Products<kRows> products;
  int next = 0;
  for (int filter = 0; filter < rows.count * rows.count; ++filter) {
    for (int point = 0; point < kRows * kRows; ++point) {
      if (rows.number[point / kRows] * rows.count + rows.number[point % kRows] != filter) continue;
      products.values[next++] = {static_cast<uint8_t>(point), static_cast<uint8_t>(filter)};
    }
  }
  return products;
}

constexpr double kPoints[] = {0, 1, -1, 0.5, -2, 2, -0.5};

constexpr double power(double base, int exponent) {
  double result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
}

/// Where element i of a phase lies in the whole: at step * i + first.
struct Places {
  int step, first;
  constexpr int operator()(int i) const { return step * i + first; }
};

/// A filter of stride 1 inside a larger algorithm.
struct Phase {
  int taps;
  int products;  ///< with one tap or one output there is nothing to save: those of the definition
  Places input, tap, output;
};

/// The algorithm of m = kOutputs outputs a phase and k = kTaps taps at stride kStride, or of its adjoint.
template <int kTaps, int kStride, int kPhaseOutputs, bool kAdjoint = false>
struct FilterAlgorithm {
  static constexpr int kPadding = (kTaps - 1) / 2;  ///< of the convolution that an adjoint belongs to

  static constexpr Phase phase(int p) {
    // The filter: input s i + p meets tap s i + p. The adjoint: output s j + p meets tap t at input
    // j + (p + padding - t) / s.
    const int first_tap = kAdjoint ? (p + kPadding) % kStride : p;
    const int taps = (kTaps - first_tap + kStride - 1) / kStride;
    const int products = taps > 0 ? kPhaseOutputs + taps - 1 : 0;
    if (!kAdjoint) return {taps, products, {kStride, p}, {kStride, p}, {1, 0}};
    const int first_input = (p + kPadding) / kStride - (taps - 1);
    return {taps, products, {1, first_input}, {-kStride, first_tap + kStride * (taps - 1)}, {kStride, p}};
  }

  static constexpr int sum_of_products() {
    int products = 0;
    for (int p = 0; p < kStride; ++p) products += phase(p).products;
    return products;
  }
  static constexpr int first_input() {
    int first = 0;
    for (int p = 0; p < kStride; ++p) first = phase(p).input.first < first ? phase(p).input.first : first;
    return first;
  }
  static constexpr int last_input() {
    int last = 0;
    for (int p = 0; p < kStride; ++p) {
      const int end = phase(p).input(kPhaseOutputs - 1 + phase(p).taps - 1);
      last = phase(p).taps > 0 && end > last ? end : last;
    }
    return last;
  }

  static constexpr int kOutputs = kAdjoint ? kStride * kPhaseOutputs : kPhaseOutputs;  ///< side of the tile
  static constexpr int kProducts = sum_of_products();                                  ///< P
  static constexpr int kFirstInput = first_input();                                    ///< relative to the tile
  static constexpr int kInputs =
      kAdjoint ? last_input() - kFirstInput + 1 : kStride * (kPhaseOutputs - 1) + kTaps;  ///< L

  struct Matrices {
    Matrix<kProducts, kInputs> input;    ///< B^T
    Matrix<kProducts, kTaps> filter;     ///< G
    Matrix<kOutputs, kProducts> output;  ///< A^T
  };

  static constexpr Matrices make() {
    Matrices m;
    int first = 0;
    for (int p = 0; p < kStride; ++p) {
      Phase part = phase(p);
      part.input.first -= kFirstInput;
      if (kPhaseOutputs == 1 || part.taps == 1) {
        add_definition(m, part, first);
      } else if (part.taps > 1) {
        add_interpolation(m, part, first);
      }
      first += part.products;
    }
    return m;
  }

 private:
  // One output: product j is tap j. One tap: product j is output j.
  static constexpr void add_definition(Matrices& m, const Phase& phase, int first) {
    for (int j = 0; j < phase.products; ++j) {
      m.input.values[first + j][phase.input(j)] = 1;
      m.filter.values[first + j][phase.tap(kPhaseOutputs == 1 ? j : 0)] = 1;
      m.output.values[phase.output(kPhaseOutputs == 1 ? 0 : j)][first + j] = 1;
    }
  }

  static constexpr void add_interpolation(Matrices& m, const Phase& phase, int first) {
    const int infinity = phase.products - 1;
    for (int j = 0; j <= infinity; ++j) {
      double scale = 1;
      int degree = 0;
      double polynomial[kPhaseOutputs + kTaps] = {1};
      for (int l = 0; l < infinity; ++l) {
        if (l == j) continue;
        if (j != infinity) scale *= kPoints[j] - kPoints[l];
        ++degree;
        for (int i = degree; i > 0; --i) polynomial[i] = polynomial[i - 1] - kPoints[l] * polynomial[i];
        polynomial[0] *= -kPoints[l];
      }
      for (int i = 0; i <= degree; ++i) m.input.values[first + j][phase.input(i)] = polynomial[i];
      for (int i = 0; i < phase.taps; ++i) {
        m.filter.values[first + j][phase.tap(i)] =
            j == infinity ? (i == phase.taps - 1 ? 1.0 : 0.0) : power(kPoints[j], i) / scale;
      }
      for (int o = 0; o < kPhaseOutputs; ++o) {
        m.output.values[phase.output(o)][first + j] =
            j == infinity ? (o == kPhaseOutputs - 1 ? 1.0 : 0.0) : power(kPoints[j], o);
      }
    }
  }
};

}  // namespace dcgan::kernels
