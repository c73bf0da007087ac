#pragma once

#include <string>
#include <vector>

#include "dcgan/feature_file.h"
#include "store/hdf5_handles.h"
#include "store/row_writer.h"

namespace dcgan::store {

/// Hands the root attributes of a feature file that say of which kind its rows are to f(field, name). Parts of one
/// extraction have them in common.
template <class Info, class Visitor>
void describe_kind(Info& info, Visitor&& f) {
  f(info.model_sha256, "model_sha256");
  f(info.architecture, "architecture");
  f(info.layers, "layers");
  f(info.layer_offsets, "layer_offsets");
  f(info.grid, "grid");
  f(info.feature_count, "feature_count");
  f(info.preprocessing, "preprocessing");
  f(info.seed, "seed");
  f(info.inputs.total, "input_total");
  f(info.inputs.list, "input_list");
}

/// Likewise those that say which of the inputs are in this file.
template <class Info, class Visitor>
void describe_part(Info& info, Visitor&& f) {
  f(info.inputs.first, "first_input");
  f(info.inputs.count, "input_count");
}

/// What must be equal for rows to be of one kind: what describe_kind() says, storage and classes.
std::vector<Field> identity(const FeatureFileInfo& info);
/// What must be equal in a run that goes on: that, and which of the inputs are in this file.
std::vector<Field> identity_of_part(const FeatureFileInfo& info);

/// The root attributes of a feature file, with complete = 0.
void write_feature_attributes(hdf5::Place file, const FeatureFileInfo& info, const Origin& origin);
/// What of them a file has; the others stay.
void read_feature_attributes(hdf5::Place file, FeatureFileInfo& info);

}  // namespace dcgan::store
