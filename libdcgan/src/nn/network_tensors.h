#pragma once

#include <map>
#include <string>

#include "dcgan/images.h"
#include "dcgan/model_file.h"
#include "nn/networks.h"

namespace dcgan::nn {

/// The networks of a model file. A partial model gives a discriminator of the convolutions that it holds, without head.
Discriminator discriminator_from(const ModelFile& model);
/// @throws Error if the model has no generator.
Generator generator_from(const ModelFile& model);

/// Puts both networks into a model.
void store_networks(const Discriminator& discriminator, const Generator& generator, ModelFile& model);
/// Copies tensors into the file's map, float32, row-major.
void store_tensors(const NamedTensors& from, std::map<std::string, StoredTensor>& to);
/// Copies the file's values into tensors of the same names. @throws Error naming a tensor that is missing or of another
/// size.
void load_tensors(const std::map<std::string, StoredTensor>& from, const NamedTensors& to);

/// float32 [N, C, H, W] as pixels; their numbers are their paths.
ImageBatch image_batch_from(const at::Tensor& images, const InputOptions& input = {});

}  // namespace dcgan::nn
