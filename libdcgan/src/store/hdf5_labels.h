#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/hdf5_handles.h"

namespace dcgan::hdf5 {

struct Labels {
  std::vector<int32_t> values;  ///< [N]
  /// Of labels that are texts or enumerated: the different ones in byte order, where values point.
  std::vector<std::string> names;
};

/// The labels of a file of ours or of another program: a dataset [N] or [N, 1] of integers, booleans, floats with whole
/// values, enumerations or texts, or one-hot rows [N, K] of numbers or booleans.
/// @throws FileError for anything else, or a value beyond int32
Labels read_labels(Place at, const std::string& name);

/// For a message: "float64 [60, 10]".
std::string description(const Dataset& dataset);

}  // namespace dcgan::hdf5
