#pragma once

#include <map>
#include <string>
#include <vector>

#include "dcgan/feature_compression.h"
#include "features/inference_engine.h"

namespace dcgan::features {

/// What an ONNX model is made of.
struct OnnxSource {
  std::vector<FoldedConvolution> convolutions;
  EngineOptions options;                     ///< layers, grid and input count
  const CompressionMap* compression;         ///< null: none
  std::map<std::string, std::string> facts;  ///< of the model, for its metadata
};

/// The bytes of an ONNX model, opset 17, that makes "features" float32 [N, D] of "pixels" uint8 [N, H, W, 3], RGB, as
/// InferenceEngine does. Equal sources give equal bytes. @throws Error where it would be larger than ONNX's 2 GiB
std::string onnx_model(const OnnxSource& source);

}  // namespace dcgan::features
