#include "dcgan/released_weights.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "dcgan/errors.h"
#include "dcgan/npy_file.h"

namespace dcgan {
namespace {

namespace fs = std::filesystem;

using Shape = std::vector<int64_t>;

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const int64_t size : shape) text += text_of(text.empty() ? "" : ", ", size);
  return "(" + text + ")";
}

// The numbered arrays of one network: PREFIX_NETWORK_params.jl_NN.npy.
class Arrays {
 public:
  Arrays(const std::string& folder, const std::string& network) : folder_(folder), start_("*") {
    const std::regex pattern("(.*_" + network + R"(_params\.jl_)(\d\d)\.npy)");
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      std::smatch parts;
      if (!std::regex_match(name, parts, pattern)) continue;
      if (!numbers_.empty() && parts[1] != start_) {
        throw FileError(folder, "holds arrays of two networks, ", start_, "NN.npy and ", parts[1].str(),
                        "NN.npy; expected one network to a folder.");
      }
      start_ = parts[1];
      numbers_.insert(std::stoi(parts[2]));
    }
    if (numbers_.empty()) start_ = "*_" + network + "_params.jl_";
  }

  bool empty() const { return numbers_.empty(); }
  int last() const { return *numbers_.rbegin(); }
  bool has(int first, int count) const {
    for (int number = first; number < first + count; ++number) {
      if (numbers_.count(number) == 0) return false;
    }
    return true;
  }

  std::string path(int number) const { return text_of(folder_, "/", start_, number < 10 ? "0" : "", number, ".npy"); }
  NpyArray read(int number) const {
    if (!has(number, 1)) {
      throw FileError(path(number),
                      "is missing; fetch it, or take --partial: it keeps the convolutions below a missing "
                      "one, and does without the generator.");
    }
    return read_npy(path(number));
  }
  /// @throws FileError if the array has another shape.
  NpyArray read(int number, const Shape& expected) const {
    NpyArray array = read(number);
    if (array.shape != expected) {
      throw FileError(path(number), "has shape ", shape_text(array.shape), ", expected ", shape_text(expected),
                      " from the shapes of the other arrays; do they belong to one network?");
    }
    return array;
  }

 private:
  std::string folder_, start_;
  std::set<int> numbers_;
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
      values[j * rows + i] = matrix.values[i * columns + j];
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

// Arrays of a network of n convolutions: kernels w, (w2, g2, b2), (w3, g3, b3), ... and the head, 3n - 1 in all; the
// generator's (w, g, b), (w2, g2, b2), ... and the last kernel, 3n + 1 in all.
int kernel_number(size_t convolution) { return convolution == 1 ? 1 : static_cast<int>(3 * convolution - 4); }
int generator_arrays(const ArchitectureOptions& o) {
  return static_cast<int>(3 * generator_convolutions(o).size() + 1);
}

ArchitectureOptions architecture_from(const std::string& folder, const Arrays& discriminator, const Arrays& generator) {
  const int head_number = discriminator.last();
  const Shape first = discriminator.read(1).shape;
  const Shape head = discriminator.read(head_number).shape;
  const int64_t convolutions = (head_number + 1) / 3;
  ArchitectureOptions o;
  bool fits = head_number >= 5 && (head_number + 1) % 3 == 0 && first.size() == 4 && first[0] > 0 && head.size() == 2;
  if (fits) {
    o.ndf = first[0];
    o.kernel = first[2];
    const int64_t top = head[0] / (kBaseSize * kBaseSize);
    int64_t scales = 1;
    while (o.ndf << (scales - 1) < top && scales < 8) ++scales;
    fits = o.ndf << (scales - 1) == top && convolutions % scales == 0;
    o.convs_per_scale = convolutions / scales;
    o.image_size = kBaseSize << scales;
  }
  if (!fits) {
    throw FileError(folder, "its discriminator arrays, up to number ", head_number, ", shapes ", shape_text(first),
                    " to ", shape_text(head),
                    ", are no network of the paper: expected a kernel such as (128, 3, 3, 3), three arrays "
                    "for each convolution above it, and last a dense layer such as (8192, 1).");
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
  const auto first_size = [&](int number, int64_t otherwise) {
    if (!generator.has(number, 1)) return otherwise;
    const Shape shape = generator.read(number).shape;
    return shape.empty() ? 0 : shape[0];
  };
  try {
    check(o);
    o.nz = first_size(1, o.nz);
    o.ngf = first_size(generator_arrays(o), o.ngf);
    check(o);
  } catch (const OptionError& error) {
    throw FileError(folder, "the shapes of its arrays make no network: ", error.what());
  }
  if (!generator.empty() && generator.last() > generator_arrays(o)) {
    throw FileError(generator.path(generator.last()), "is one array too many: the generator of this discriminator has ",
                    generator_arrays(o), "; do they belong to one network?");
  }
  return o;
}

void add_discriminator(ModelFile& model, const Arrays& arrays, bool partial) {
  const std::vector<ConvolutionShape> shapes = discriminator_convolutions(model.architecture);
  for (size_t i = 1; i <= shapes.size(); ++i) {
    const ConvolutionShape& s = shapes[i - 1];
    const int number = kernel_number(i);
    if (partial && !arrays.has(number, s.batch_norm ? 3 : 1)) return;
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

}  // namespace

ModelFile read_released_weights(const std::string& folder, bool partial) {
  if (!fs::is_directory(folder)) throw FileError(folder, "is no folder; expected one with the authors' .npy arrays.");
  const Arrays discriminator(folder, "discrim");
  const Arrays generator(folder, "gen");
  if (discriminator.empty()) {
    throw FileError(folder, "holds no *_discrim_params.jl_NN.npy; expected the authors' arrays under their names.");
  }
  ModelFile model;
  model.architecture = architecture_from(folder, discriminator, generator);
  add_discriminator(model, discriminator, partial);
  model.has_generator = !partial || generator.has(1, generator_arrays(model.architecture));
  if (model.has_generator) add_generator(model, generator);
  model.statistics = R"({"source":"none: mean 0, variance 1"})";
  model.training =
      nlohmann::ordered_json({{"source", "weights released by Radford, Metz, Chintala (MIT licence)"}}).dump();
  return model;
}

}  // namespace dcgan
