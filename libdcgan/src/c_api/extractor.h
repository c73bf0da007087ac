#pragma once

#include <string>
#include <vector>

#include "dcgan/c_api.h"
#include "dcgan/feature_extractor.h"

/// What stands behind the handle, for both libraries of the C API.
struct dcgan_extractor {
  dcgan::FeatureExtractor extractor;
  std::string info;
  std::vector<dcgan::ImageView> views;  ///< of the last call, so that calls of equal size take no new memory
};
