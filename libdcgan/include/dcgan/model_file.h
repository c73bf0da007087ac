#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dcgan/architecture.h"
#include "dcgan/export.h"
#include "dcgan/safetensors.h"

namespace dcgan {

/// A model as its file holds it. Tensors have PyTorch state_dict names:
///   discriminator.conv1.weight [O, I, k, k], discriminator.bn2.{weight,bias,running_mean,running_var} [O], ...,
///   discriminator.head.weight [1, 4*4*C];
///   generator.project.weight [C*4*4, Z], generator.bn0.* [C*4*4], generator.deconv1.weight [I, O, k, k],
///   generator.bn1.* [O], ...
/// With other guidelines than the published ones (dcgan/architecture.h) batch norms come or go, and there are
///   discriminator.hidden.weight [N, 4*4*C], generator.hidden.weight [N, Z] and bn_hidden.* [N].
/// Networks that are lists of layers (format_version 2) also have biases, discriminator.conv1.bias [O] and so on, and
///   generator.project.weight [Z, C, k, k] where the noise's first maps come from a transposed convolution.
/// running_mean and running_var hold the fixed batch-norm statistics (see `statistics`).
struct ModelFile {
  ArchitectureOptions architecture;
  std::map<std::string, StoredTensor> tensors;
  std::string statistics = "{}";  ///< JSON: where running_mean and running_var come from
  std::string training = "{}";    ///< JSON: training options, data set and its preparation, step, seed
  int64_t convolutions = 0;  ///< lower convolutions of the discriminator that the file holds; all, or fewer (partial)
  bool has_generator = true;
  std::string sha256;  ///< of the file it was read from; ignored by save_model
};

/// @throws FileError if a tensor is missing, surplus, or of another shape than the architecture says.
DCGAN_EXPORT ModelFile load_model(const std::string& path);
DCGAN_EXPORT void save_model(const std::string& path, const ModelFile& model);

/// ArchitectureOptions as JSON text, keys as the flags ("image-size", ...), and back. Guidelines that are followed are
/// left out: the files of published architectures are those of versions that had no other, and are read by these. Lists
/// of layers are arrays of their steps (dcgan/layers.h); they may also be one text.
DCGAN_EXPORT std::string to_json(const ArchitectureOptions& options);
DCGAN_EXPORT ArchitectureOptions architecture_from_json(const std::string& text);

}  // namespace dcgan
