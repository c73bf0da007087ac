#include "dcgan/feature_columns.h"

#include <algorithm>
#include <numeric>

#include "dcgan/errors.h"

namespace dcgan {

FeatureColumn FeatureLayout::at(int64_t column) const {
  const int64_t cells = grid * grid;
  int64_t left = column;
  const std::vector<ConvolutionShape> shapes = discriminator_convolutions(architecture);
  for (const int64_t layer : layers) {
    const int64_t columns = shapes[layer - 1].out_channels * cells;
    if (left >= 0 && left < columns) return {layer, left / cells, left % cells};
    left -= columns;
  }
  throw OptionError("column ", column, " is not there; features have ", column - left, " columns, from 0.");
}

int64_t FeatureLayout::first_column(int64_t layer, int64_t channel) const {
  const std::vector<ConvolutionShape> shapes = discriminator_convolutions(architecture);
  int64_t column = 0;
  for (const int64_t below : layers) {
    if (below == layer) return column + channel * grid * grid;
    column += shapes[below - 1].out_channels * grid * grid;
  }
  throw Error("layer ", layer, " is not among those of the features.");
}

FeatureMaps pooled(const FeatureMaps& maps, int64_t grid) {
  FeatureMaps small = {maps.count, maps.channels, grid, {}};
  // The cells of PyTorch's adaptive max-pooling, as of extraction (kernels/kernels.h).
  const auto begin = [&](int64_t i) { return i * maps.size / grid; };
  const auto end = [&](int64_t i) { return ((i + 1) * maps.size + grid - 1) / grid; };
  for (int64_t map = 0; map < maps.count * maps.channels; ++map) {
    const float* const from = maps.values.data() + map * maps.size * maps.size;
    for (int64_t cell = 0; cell < grid * grid; ++cell) {
      const int64_t top = begin(cell / grid), left = begin(cell % grid), right = end(cell % grid);
      float largest = from[top * maps.size + left];
      for (int64_t y = top; y < end(cell / grid); ++y) {
        largest = std::max(largest, *std::max_element(from + y * maps.size + left, from + y * maps.size + right));
      }
      small.values.push_back(largest);
    }
  }
  return small;
}

std::vector<int64_t> largest_values(const std::vector<float>& values, int64_t count) {
  std::vector<int64_t> places(values.size());
  std::iota(places.begin(), places.end(), 0);
  std::stable_sort(places.begin(), places.end(), [&](int64_t a, int64_t b) { return values[a] > values[b]; });
  places.resize(std::min<size_t>(count, places.size()));
  return places;
}

std::vector<int64_t> strongest_channels(const FeatureMaps& maps, int64_t count) {
  return largest_values(pooled(maps, 1).values, count);
}

std::vector<float> map_of(const FeatureMaps& maps, int64_t image, int64_t channel) {
  const int64_t size = maps.size * maps.size;
  const auto begin = maps.values.begin() + (image * maps.channels + channel) * size;
  return {begin, begin + size};
}

}  // namespace dcgan
