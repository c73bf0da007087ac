#pragma once

#include <string>

#include "dcgan/export.h"
#include "dcgan/feature_file.h"

namespace dcgan {

/// The rows as a NumPy file of format 1: [N, D], '<f4' or '<f2' as they are stored. Memory does not grow with N.
/// @throws FileError if `path` exists and `overwrite` is false, or cannot be written
DCGAN_EXPORT void export_npy(const FeatureFileReader& features, const std::string& path, bool overwrite);

/// One line per row, "row,path,label,class" (RFC 4180: quoted where needed); label and class are empty where there are
/// none. @throws as export_npy
DCGAN_EXPORT void export_csv(const FeatureFileReader& features, const std::string& path, bool overwrite);

}  // namespace dcgan
