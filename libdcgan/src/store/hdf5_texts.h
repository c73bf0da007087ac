#pragma once

#include <string>
#include <vector>

#include "store/hdf5_handles.h"

// Texts of variable length lie in HDF5's "global heaps". HDF5 1.10 reads these without checking a single length (a
// flipped byte there is a crash in H5HG_read), so the readers here look at the heaps themselves first. Layout: HDF5
// File Format Specification Version 3.0, section III.E, "Disk Format: Level 1E - Global Heap".

namespace dcgan::hdf5 {

/// A dataset [N] of texts, fixed or variable in length. @throws FileError for another type or rank, or damaged heaps.
std::vector<std::string> read_texts(Place at, const std::string& name);

/// Checks the global heaps in the first mebibyte of a file, where the texts of the root attributes lie that our writers
/// wrote (what refers to them has checksums; in a file that another program wrote in HDF5's oldest format it has none,
/// and damage there is HDF5's to find). @throws FileError
void check_attribute_heaps(const std::string& path);

}  // namespace dcgan::hdf5
