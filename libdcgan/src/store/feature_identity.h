#pragma once

#include <string>
#include <vector>

#include "dcgan/feature_file.h"
#include "store/hdf5_handles.h"

namespace dcgan::store {

struct Field {
  std::string name;
  std::string value;
};

/// What must be equal for rows to be of one kind: model, layers, preprocessing, ..., and the list of inputs.
std::vector<Field> identity(const FeatureFileInfo& info);

/// For a message: of a long text the part where it first differs from the other.
std::string excerpt(const std::string& text, const std::string& other);

/// The root attributes of a feature file, with complete = 0.
void write_feature_attributes(hdf5::Place file, const FeatureFileInfo& info);

}  // namespace dcgan::store
