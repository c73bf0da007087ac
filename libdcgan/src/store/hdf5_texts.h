#pragma once

#include <string>
#include <vector>

#include "store/hdf5_handles.h"

// Texts of variable length lie in HDF5's "global heaps". HDF5 1.10 reads these without checking a single length (a
// flipped byte there is a crash in H5HG_read, or 24 GB that a file of 59 kB asks for), so HDF5 hands on references
// here, and the heaps are read by our own code. Layout: HDF5 File Format Specification Version 3.0, section III.E,
// "Disk Format: Level 1E - Global Heap".

namespace dcgan::hdf5 {

/// A dataset [N] of texts, fixed or variable in length. @throws FileError for another type or rank, or damaged heaps.
std::vector<std::string> read_texts(Place at, const std::string& name);

/// An attribute of texts, fixed or variable in length; nothing where there is none. @throws FileError as above
std::vector<std::string> read_attribute_texts(Place at, const std::string& name);
/// An attribute of one text. @return `fallback` where there is none
std::string read_attribute(Place at, const std::string& name, const std::string& fallback);

}  // namespace dcgan::hdf5
