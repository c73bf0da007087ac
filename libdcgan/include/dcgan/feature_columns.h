#pragma once

#include <cstdint>
#include <vector>

#include "dcgan/architecture.h"
#include "dcgan/explored_networks.h"
#include "dcgan/export.h"

namespace dcgan {

/// Where a column of a feature vector comes from, of all layers or some, each max-pooled to grid x grid.
struct FeatureColumn {
  int64_t layer = 0;    ///< from 1
  int64_t channel = 0;  ///< from 0
  int64_t cell = 0;     ///< row * grid + column
};

struct FeatureLayout {
  ArchitectureOptions architecture;
  std::vector<int64_t> layers;  ///< from 1, rising
  int64_t grid = 4;

  /// @throws OptionError for a column that is not there
  DCGAN_EXPORT FeatureColumn at(int64_t column) const;
  /// The column of the channel's first cell.
  DCGAN_EXPORT int64_t first_column(int64_t layer, int64_t channel) const;
};

/// Each map's cells: float32 [N, C, grid, grid], the largest of its values in each.
DCGAN_EXPORT FeatureMaps pooled(const FeatureMaps& maps, int64_t grid);

/// Where the largest values are, largest first, at most `count`. Of equal ones the first.
DCGAN_EXPORT std::vector<int64_t> largest_values(const std::vector<float>& values, int64_t count);

/// The channels of one image's maps with the largest values, largest first, at most `count`. Of equal ones the first.
/// @param maps  of one image
DCGAN_EXPORT std::vector<int64_t> strongest_channels(const FeatureMaps& maps, int64_t count);

/// One channel's map of one image: float32 [size, size].
DCGAN_EXPORT std::vector<float> map_of(const FeatureMaps& maps, int64_t image, int64_t channel);

}  // namespace dcgan
