#pragma once

#include <string>
#include <vector>

#include "dcgan/feature_file.h"
#include "store/hdf5_handles.h"
#include "store/row_writer.h"

namespace dcgan::store {

/// What must be equal for rows to be of one kind: model, layers, preprocessing, ..., and the list of inputs.
std::vector<Field> identity(const FeatureFileInfo& info);

/// The root attributes of a feature file, with complete = 0.
void write_feature_attributes(hdf5::Place file, const FeatureFileInfo& info, const Origin& origin);

}  // namespace dcgan::store
