#include "models/weight_norms.h"

#include <cmath>
#include <tuple>

#include "dcgan/errors.h"

namespace dcgan::models {
namespace {

int64_t count_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

// W / sigma, sigma = u' W v: torch/nn/utils/spectral_norm.py and parametrizations.py, outside of training.
std::vector<float> spectral(const std::vector<Values>& parts, bool transposed) {
  const auto& [weight, u, v] = std::tie(parts[0], parts[1], parts[2]);
  const auto rows = static_cast<int64_t>(u.values.size());
  const size_t axis = transposed ? 1 : 0;
  if (weight.shape.size() <= axis || weight.shape[axis] != rows ||
      static_cast<int64_t>(v.values.size()) * rows != count_of(weight.shape)) {
    throw Error("the vectors of its spectral norm have ", rows, " and ", v.values.size(),
                " values, which do not fit its shape.");
  }
  // Of the matrix, row r and column c: of a transposed convolution [in, out, k, k] row out, column (in, k, k).
  const int64_t before = transposed ? weight.shape[0] : 1;
  const int64_t behind = count_of(weight.shape) / rows / before;
  double sigma = 0;
  for (int64_t b = 0; b < before; ++b) {
    for (int64_t r = 0; r < rows; ++r) {
      double row = 0;
      for (int64_t k = 0; k < behind; ++k) {
        const int64_t at = (b * rows + r) * behind + k;
        row += double{weight.values[at]} * double{v.values[b * behind + k]};
      }
      sigma += double{u.values[r]} * row;
    }
  }
  std::vector<float> result(weight.values);
  for (float& value : result) value = static_cast<float>(double{value} / sigma);
  if (!std::isfinite(1 / sigma)) throw Error("its spectral norm is ", sigma, "; it cannot be divided by that.");
  return result;
}

// g V / |V|, with a norm for each g: torch/nn/utils/weight_norm.py. A g of one value is that of all of V.
std::vector<float> weight_normalized(const std::vector<Values>& parts) {
  const auto& [direction, length] = std::tie(parts[0], parts[1]);
  const std::vector<int64_t>& shape = direction.shape;
  std::vector<int64_t> of_length = length.shape;
  if (length.values.size() == 1) of_length.assign(shape.size(), 1);
  bool fits = of_length.size() == shape.size();
  for (size_t k = 0; fits && k < shape.size(); ++k) fits = of_length[k] == 1 || of_length[k] == shape[k];
  if (!fits) throw Error("its weight norm has ", length.values.size(), " lengths, which do not fit its shape.");
  // Which g an element belongs to.
  const auto group = [&](size_t at) {
    size_t index = 0, stride = 1;
    for (size_t k = shape.size(); k-- > 0;) {
      const auto size = static_cast<size_t>(shape[k]);
      if (of_length[k] > 1) {
        index += at % size * stride;
        stride *= size;
      }
      at /= size;
    }
    return index;
  };
  std::vector<double> squares(length.values.size());
  for (size_t i = 0; i < direction.values.size(); ++i) {
    squares[group(i)] += double{direction.values[i]} * double{direction.values[i]};
  }
  std::vector<float> result(direction.values);
  for (size_t i = 0; i < result.size(); ++i) {
    const size_t g = group(i);
    if (squares[g] == 0) throw Error("its weight norm has a direction of length 0.");
    result[i] = static_cast<float>(double{result[i]} * double{length.values[g]} / std::sqrt(squares[g]));
  }
  return result;
}

}  // namespace

const std::vector<StoredForm>& stored_forms() {
  static const std::vector<StoredForm> forms = {
      {Normalization::kNone, "weight", {}},
      {Normalization::kSpectral, "weight_orig", {"weight_u", "weight_v"}},
      {Normalization::kSpectral, "weight_bar", {"weight_u", "weight_v"}},  // before PyTorch had one of its own
      {Normalization::kSpectral,
       "parametrizations.weight.original",
       {"parametrizations.weight.0._u", "parametrizations.weight.0._v"}},
      {Normalization::kWeight, "weight_v", {"weight_g"}},
      {Normalization::kWeight, "parametrizations.weight.original1", {"parametrizations.weight.original0"}},
  };
  return forms;
}

std::vector<float> normalized_weight(Normalization normalization, const std::vector<Values>& parts, bool transposed) {
  switch (normalization) {
    case Normalization::kSpectral:
      return spectral(parts, transposed);
    case Normalization::kWeight:
      return weight_normalized(parts);
    case Normalization::kNone:
      break;
  }
  return parts.front().values;
}

}  // namespace dcgan::models
