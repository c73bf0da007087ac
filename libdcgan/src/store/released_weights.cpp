#include "dcgan/released_weights.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/npy_file.h"

namespace dcgan {
namespace {

namespace fs = std::filesystem;

using Shape = std::vector<int64_t>;

std::string text_of(const Shape& shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "(" : ", ") + std::to_string(size);
  return text + ")";
}

// The numbered arrays of one network: path by number.
class Arrays {
 public:
  Arrays(const std::string& folder, const std::string& network) : folder_(folder), network_(network) {
    const std::string middle = "_" + network + "_params.jl_";
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      const size_t at = name.find(middle);
      if (at == std::string::npos || name.size() != at + middle.size() + 6 || name.substr(name.size() - 4) != ".npy")
        continue;
      paths_[std::stoi(name.substr(at + middle.size(), 2))] = entry.path();
    }
  }

  bool empty() const { return paths_.empty(); }
  int last() const { return paths_.rbegin()->first; }
  bool has(int number) const { return paths_.count(number) != 0; }

  std::string name(int number) const {
    return folder_ + "/*_" + network_ + "_params.jl_" + (number < 10 ? "0" : "") + std::to_string(number) + ".npy";
  }
  NpyArray read(int number) const {
    if (!has(number)) throw FileError(name(number), "is missing; --partial keeps the convolutions below it.");
    return read_npy(paths_.at(number));
  }
  /// @throws FileError if the array has another shape.
  NpyArray read(int number, const Shape& expected) const {
    NpyArray array = read(number);
    if (array.shape != expected) {
      throw FileError(paths_.at(number), "has shape " + text_of(array.shape) + ", expected " + text_of(expected) +
                                             " from the shapes of the other arrays.");
    }
    return array;
  }

 private:
  std::string folder_, network_;
  std::map<int, std::string> paths_;
};

// Kernel [.., .., k, k] rotated by 180 degrees: k * k values in reverse.
StoredTensor rotated(NpyArray kernel) {
  const auto area = kernel.shape[2] * kernel.shape[3];
  for (auto at = kernel.values.begin(); at != kernel.values.end(); at += area) std::reverse(at, at + area);
  return make_tensor(kernel.shape, kernel.values);
}

StoredTensor transposed(const NpyArray& matrix) {
  const int64_t rows = matrix.shape[0];
  const int64_t columns = matrix.shape[1];
  std::vector<float> values(matrix.values.size());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      values[static_cast<size_t>(j * rows + i)] = matrix.values[static_cast<size_t>(i * columns + j)];
    }
  }
  return make_tensor({columns, rows}, values);
}

void add_batch_norm(ModelFile& model, const std::string& name, const Arrays& arrays, int number, int64_t channels) {
  model.tensors[name + ".weight"] = make_tensor({channels}, arrays.read(number, {channels}).values);
  model.tensors[name + ".bias"] = make_tensor({channels}, arrays.read(number + 1, {channels}).values);
  const auto count = static_cast<size_t>(channels);
  model.tensors[name + ".running_mean"] = make_tensor({channels}, std::vector<float>(count, 0));
  model.tensors[name + ".running_var"] = make_tensor({channels}, std::vector<float>(count, 1));
}

// Number of a convolution's kernel among the arrays: w, (w2, g2, b2), (w3, g3, b3), ..., and the head after the last.
int kernel_number(size_t convolution) { return convolution == 1 ? 1 : static_cast<int>(3 * convolution - 4); }

ArchitectureOptions architecture_from(const std::string& folder, const Arrays& discriminator, const Arrays& generator) {
  const int head_number = discriminator.last();
  const NpyArray first = discriminator.read(1);
  const NpyArray head = discriminator.read(head_number);
  const int64_t convolutions = (head_number + 1) / 3;
  ArchitectureOptions o;
  bool fits = head_number >= 5 && (head_number + 1) % 3 == 0 && first.shape.size() == 4 && head.shape.size() == 2;
  if (fits) {
    o.ndf = first.shape[0];
    o.kernel = first.shape[2];
    const int64_t top = head.shape[0] / (kBaseSize * kBaseSize);
    int64_t scales = 1;
    while (o.ndf << (scales - 1) < top && scales < 8) ++scales;
    fits = o.ndf << (scales - 1) == top && convolutions % scales == 0;
    o.convs_per_scale = convolutions / scales;
    o.image_size = kBaseSize << scales;
  }
  if (!fits) {
    throw FileError(folder,
                    "its " + std::to_string(head_number) +
                        " discriminator arrays are no published network: expected a kernel (128, 3, 3, 3) or such "
                        "first, a dense layer (8192, 1) or such last, and three arrays for each convolution between.");
  }
  // The distribution of the noise is in no array: that of the published model of this shape.
  for (const std::string& name : published_architecture_names()) {
    const ArchitectureOptions p = published_architecture(name);
    if (p.image_size == o.image_size && p.kernel == o.kernel && p.convs_per_scale == o.convs_per_scale) {
      o.latent = p.latent;
      o.nz = p.nz;
    }
  }
  o.ngf = o.ndf;
  if (!generator.empty() && generator.has(1)) o.nz = generator.read(1).shape.front();
  if (!generator.empty() && generator.has(generator.last())) o.ngf = generator.read(generator.last()).shape.front();
  check(o);
  return o;
}

void add_discriminator(ModelFile& model, const Arrays& arrays, bool partial) {
  const std::vector<ConvolutionShape> shapes = discriminator_convolutions(model.architecture);
  for (size_t i = 1; i <= shapes.size(); ++i) {
    const ConvolutionShape& s = shapes[i - 1];
    const int number = kernel_number(i);
    if (partial && !arrays.has(number)) return;
    const std::string layer = std::to_string(i);
    model.tensors["discriminator.conv" + layer + ".weight"] =
        rotated(arrays.read(number, {s.out_channels, s.in_channels, s.kernel, s.kernel}));
    if (s.batch_norm) add_batch_norm(model, "discriminator.bn" + layer, arrays, number + 1, s.out_channels);
    model.convolutions = static_cast<int64_t>(i);
  }
  const int64_t units = shapes.back().out_channels * kBaseSize * kBaseSize;
  model.tensors["discriminator.head.weight"] = transposed(arrays.read(arrays.last(), {units, 1}));
}

void add_generator(ModelFile& model, const Arrays& arrays) {
  const std::vector<ConvolutionShape> shapes = generator_convolutions(model.architecture);
  const int64_t units = shapes.front().in_channels * kBaseSize * kBaseSize;
  model.tensors["generator.project.weight"] = transposed(arrays.read(1, {model.architecture.nz, units}));
  add_batch_norm(model, "generator.bn0", arrays, 2, units);
  int number = 4;
  for (size_t i = 1; i <= shapes.size(); ++i, number += 3) {
    const ConvolutionShape& s = shapes[i - 1];
    const std::string layer = std::to_string(i);
    model.tensors["generator.deconv" + layer + ".weight"] =
        rotated(arrays.read(number, {s.in_channels, s.out_channels, s.kernel, s.kernel}));
    if (s.batch_norm) add_batch_norm(model, "generator.bn" + layer, arrays, number + 1, s.out_channels);
  }
}

bool complete(const Arrays& generator, const ArchitectureOptions& o) {
  const auto arrays = static_cast<int>(1 + 3 * generator_convolutions(o).size());
  for (int number = 1; number <= arrays; ++number) {
    if (!generator.has(number)) return false;
  }
  return true;
}

}  // namespace

ModelFile read_released_weights(const std::string& folder, bool partial) {
  if (!fs::is_directory(folder)) throw FileError(folder, "is no folder; expected one with the authors' .npy arrays.");
  const Arrays discriminator(folder, "discrim");
  const Arrays generator(folder, "gen");
  if (discriminator.empty())
    throw FileError(folder, "holds no *_discrim_params.jl_NN.npy; expected the authors' arrays.");
  ModelFile model;
  model.architecture = architecture_from(folder, discriminator, generator);
  add_discriminator(model, discriminator, partial);
  model.has_generator = !partial || complete(generator, model.architecture);
  if (model.has_generator) add_generator(model, generator);
  model.statistics = R"({"source":"none: mean 0, variance 1"})";
  model.training =
      nlohmann::ordered_json({{"source", "weights released by Radford, Metz, Chintala (MIT licence)"}}).dump();
  return model;
}

}  // namespace dcgan
