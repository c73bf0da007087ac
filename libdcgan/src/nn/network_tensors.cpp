#include "nn/network_tensors.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

#include "dcgan/errors.h"

namespace dcgan::nn {

void store_tensors(const NamedTensors& from, std::map<std::string, StoredTensor>& to) {
  for (const auto& [name, tensor] : from) {
    const at::Tensor values = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
    const float* first = values.const_data_ptr<float>();
    to[name] = make_tensor(values.sizes().vec(), std::vector<float>(first, first + values.numel()));
  }
}

void load_tensors(const std::map<std::string, StoredTensor>& from, const NamedTensors& to) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : to) {
    const auto found = from.find(name);
    if (found == from.end()) throw Error("tensor \"", name, "\" is missing.");
    if (found->second.shape != tensor.sizes().vec()) throw Error("tensor \"", name, "\" has another shape.");
    std::vector<float> values = found->second.to_floats();
    at::Tensor destination = tensor;
    destination.copy_(at::from_blob(values.data(), tensor.sizes(), at::kFloat));
  }
}

void store_networks(const Discriminator& discriminator, const Generator& generator, ModelFile& model) {
  for (const NamedTensors& tensors :
       {discriminator.parameters(), discriminator.buffers(), generator.parameters(), generator.buffers()}) {
    store_tensors(tensors, model.tensors);
  }
  model.convolutions = static_cast<int64_t>(discriminator.convolutions.size());
  model.has_generator = generator.project.defined();
}

ImageBatch image_batch_from(const at::Tensor& images, const InputOptions& input) {
  const at::Tensor pixels = pixels_from_images(images.to(at::kCPU), input);
  ImageBatch batch;
  batch.height = pixels.size(1);
  batch.width = pixels.size(2);
  const uint8_t* first = pixels.const_data_ptr<uint8_t>();
  batch.pixels.assign(first, first + pixels.numel());
  for (int64_t i = 0; i < pixels.size(0); ++i) batch.paths.push_back(std::to_string(i));
  return batch;
}

Discriminator discriminator_from(const ModelFile& model) {
  Discriminator network = make_discriminator(model.architecture, 0);
  if (static_cast<size_t>(model.convolutions) < network.convolutions.size()) {
    network.convolutions.resize(model.convolutions);
    network.hidden = {};
    network.head = network.head_bias = at::Tensor();
  }
  load_tensors(model.tensors, network.parameters());
  load_tensors(model.tensors, network.buffers());
  return network;
}

Generator generator_from(const ModelFile& model) {
  if (!model.has_generator) throw Error("the model holds no generator.");
  Generator network = make_generator(model.architecture, 0);
  load_tensors(model.tensors, network.parameters());
  load_tensors(model.tensors, network.buffers());
  return network;
}

}  // namespace dcgan::nn
