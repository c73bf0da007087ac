#include "dcgan/keras_network.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/text_ends.h"
#include "dcgan/errors.h"
#include "models/shapes.h"

namespace dcgan {
namespace {

using models::shape_text;
using nlohmann::json;
using Array = KerasArrays::Array;

/// A layer's arrays by what they are: kernel, bias, gamma, beta, moving_mean, moving_variance.
struct Layer {
  std::string name;
  std::map<std::string, const Array*> parts;
  std::vector<const Array*> numbered;  ///< "vars/0", "vars/1", ...
};

std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words;
  size_t begin = 0;
  while (begin <= name.size()) {
    const size_t end = std::min(name.find('/', begin), name.size());
    words.push_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// "conv2d_2" before "conv2d_10".
std::pair<std::string, int64_t> numbered_name(const std::string& name) {
  const size_t line = name.rfind('_');
  const std::string last = line == std::string::npos ? "" : name.substr(line + 1);
  const bool number = !last.empty() && last.size() < 9 && last.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::make_pair(name.substr(0, line), int64_t{std::stoll(last)} + 1)
                : std::make_pair(name, int64_t{0});
}

/// Maps [H, W, C] that a dense layer makes; of size 0: it makes none.
struct Maps {
  int64_t size = 0, channels = 0;
  int64_t units() const { return size * size * channels; }
  /// Where value `unit` of [C, H, W] lies in them.
  int64_t in_file(int64_t unit) const { return unit % (size * size) * channels + unit / (size * size); }
};

class Model {
 public:
  Model(const std::string& path, const KerasArrays& file) : path_(path) {
    for (const Array& array : file.arrays) add(array);
    for (Layer& layer : layers_) {
      name_parts(layer);
      check_norm(layer);
    }
  }

  template <class... What>
  [[noreturn]] void fail(const What&... what) const {
    throw FileError(path_, what...);
  }
  std::vector<Layer>& layers() { return layers_; }
  const Layer* find(const std::string& name) const {
    const auto found = std::find_if(layers_.begin(), layers_.end(), [&](const Layer& l) { return l.name == name; });
    return found == layers_.end() ? nullptr : &*found;
  }

  // Tensors as PyTorch has them, in the order in which layers are handed over.
  std::vector<std::pair<std::string, StoredTensor>> tensors;

  // Also a transposed one: its kernel is that of the convolution which it is the adjoint of. Turned: one of stride 1 as
  // the transposed one that it equals, [in, out, h, w], its kernels turned by half a turn.
  void add_convolution(const Layer& layer, bool turned = false) {
    const Array& kernel = part(layer, "kernel");
    if (kernel.shape.size() != 4)
      fail("\"", layer.name, "\" has a kernel ", shape_text(kernel.shape), "; expected HWIO.");
    const int64_t h = kernel.shape[0], w = kernel.shape[1], in = kernel.shape[2], out = kernel.shape[3];
    const int64_t area = h * w;
    std::vector<float> values(kernel.values.size());
    for (int64_t k = 0; k < area; ++k) {
      for (int64_t i = 0; i < in; ++i) {
        for (int64_t o = 0; o < out; ++o) {
          const int64_t place = turned ? (i * out + o + 1) * area - 1 - k : (o * in + i) * area + k;
          values[static_cast<size_t>(place)] = kernel.values[static_cast<size_t>((k * in + i) * out + o)];
        }
      }
    }
    const std::vector<int64_t> shape = turned ? std::vector{in, out, h, w} : std::vector{out, in, h, w};
    tensors.emplace_back(layer.name + ".weight", make_tensor(shape, values));
    add_bias(layer);
    if (!turned) channels_ = out;
  }

  // The dense layer that makes a generator's first maps; what comes out of it is reshaped to [H, W, C].
  void add_projection(const Layer& layer, const Maps& maps) {
    const Array& kernel = part(layer, "kernel");
    if (kernel.shape.size() != 2 || kernel.shape[1] != maps.units()) {
      fail("\"", layer.name, "\" has a kernel ", shape_text(kernel.shape), "; expected two axes, the last of ",
           maps.units(), ".");
    }
    const int64_t in = kernel.shape[0], out = kernel.shape[1];
    std::vector<float> values;
    for (int64_t o = 0; o < out; ++o) {
      for (int64_t i = 0; i < in; ++i) values.push_back(kernel.values[static_cast<size_t>(i * out + maps.in_file(o))]);
    }
    tensors.emplace_back(layer.name + ".weight", make_tensor({out, in}, values));
    add_bias(layer, maps);
  }

  void add_dense(const Layer& layer) {
    const Array& kernel = part(layer, "kernel");
    if (kernel.shape.size() != 2)
      fail("\"", layer.name, "\" has a kernel ", shape_text(kernel.shape), "; expected two axes.");
    const int64_t in = kernel.shape[0], out = kernel.shape[1];
    // Behind a flatten of [H, W, C], of which one place has `channels_` values; not so behind a dense layer.
    const int64_t channels = channels_ > 0 && in % channels_ == 0 ? channels_ : in;
    const int64_t places = in / channels;
    std::vector<float> values(kernel.values.size());
    for (int64_t o = 0; o < out; ++o) {
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t p = 0; p < places; ++p) {
          values[static_cast<size_t>(o * in + c * places + p)] =
              kernel.values[static_cast<size_t>((p * channels + c) * out + o)];
        }
      }
    }
    tensors.emplace_back(layer.name + ".weight", make_tensor({out, in}, values));
    add_bias(layer);
    channels_ = 0;
  }

  // @param maps  of the units that it normalizes, where they are a dense layer's before they are maps
  void add_norm(const Layer& layer, const Maps& maps = {}) {
    const Array& mean = part(layer, "moving_mean");
    const auto size = static_cast<size_t>(mean.shape.at(0));
    const auto or_all = [&](const char* name, float value) {
      const auto found = layer.parts.find(name);
      return found == layer.parts.end() ? make_tensor({mean.shape[0]}, std::vector<float>(size, value))
                                        : channels_first(*found->second, maps);
    };
    tensors.emplace_back(layer.name + ".weight", or_all("gamma", 1));
    tensors.emplace_back(layer.name + ".bias", or_all("beta", 0));
    tensors.emplace_back(layer.name + ".running_mean", channels_first(mean, maps));
    tensors.emplace_back(layer.name + ".running_var", channels_first(part(layer, "moving_variance"), maps));
  }

 private:
  void add(const Array& array) {
    for (const int64_t side : array.shape) {
      if (side < 1) fail("its array \"", array.name, "\" is empty.");
    }
    std::vector<std::string> words = words_of(array.name);
    std::string role = words.back();
    role = role.substr(0, role.find(':'));
    const bool numbered = words.size() >= 3 && words[words.size() - 2] == "vars";
    if (words.size() < 2) fail("its array \"", array.name, "\" belongs to no layer; expected a model of Keras.");
    const std::string name = numbered ? words[words.size() - 3] : words[words.size() - 2];
    if (layers_.empty() || layers_.back().name != name) {
      if (find(name) != nullptr) {
        fail("holds the layer \"", name, "\" twice; is it a model of several networks? Save the discriminator alone: ",
             "model.discriminator.save(\"discriminator.keras\").");
      }
      layers_.push_back({name, {}, {}});
    }
    if (numbered) {
      layers_.back().numbered.push_back(&array);
    } else {
      layers_.back().parts[role] = &array;
    }
  }

  // Keras 3 numbers a layer's arrays in the order in which the layer makes them.
  void name_parts(Layer& layer) const {
    if (layer.numbered.empty()) return;
    const std::vector<const Array*>& all = layer.numbered;
    const auto rank = all.front()->shape.size();
    std::vector<const char*> names = {"kernel", "bias"};
    if (rank == 1) names = {"gamma", "beta", "moving_mean", "moving_variance"};
    if (all.size() > names.size() || (rank == 1 && all.size() != names.size())) {
      fail("its layer \"", layer.name, "\" has ", all.size(), " arrays, first of the shape ",
           shape_text(all.front()->shape),
           "; expected those of a convolution, a dense layer or a batch norm with scale ", "and shift.");
    }
    for (size_t i = 0; i < all.size(); ++i) layer.parts[names[i]] = all[i];
  }

  // Of a batch norm: one value of each channel.
  void check_norm(const Layer& layer) const {
    const auto mean = layer.parts.find("moving_mean");
    if (mean == layer.parts.end()) return;
    const models::Shape& shape = mean->second->shape;
    if (shape.size() != 1) {
      fail("its norm \"", layer.name, "\" has a moving_mean ", shape_text(shape), "; expected one axis.");
    }
    for (const auto& [name, array] : layer.parts) {
      if (array->shape == shape) continue;
      fail("its norm \"", layer.name, "\" has a ", name, " ", shape_text(array->shape), "; expected ",
           shape_text(shape), ".");
    }
  }

  const Array& part(const Layer& layer, const char* name) const {
    const auto found = layer.parts.find(name);
    if (found == layer.parts.end()) fail("its layer \"", layer.name, "\" has no ", name, ".");
    return *found->second;
  }

  void add_bias(const Layer& layer, const Maps& maps = {}) {
    const auto found = layer.parts.find("bias");
    if (found != layer.parts.end()) tensors.emplace_back(layer.name + ".bias", channels_first(*found->second, maps));
  }

  // One value of each unit, in the order of [C, H, W].
  StoredTensor channels_first(const Array& array, const Maps& maps) const {
    if (maps.size == 0) return make_tensor(array.shape, array.values);
    if (array.shape != models::Shape{maps.units()}) {
      fail("\"", array.name, "\" has the shape ", shape_text(array.shape), "; expected ", maps.units(), " values.");
    }
    std::vector<float> values;
    for (int64_t o = 0; o < maps.units(); ++o) {
      values.push_back(array.values[static_cast<size_t>(maps.in_file(o))]);
    }
    return make_tensor(array.shape, values);
  }

  std::string path_;
  std::vector<Layer> layers_;
  int64_t channels_ = 0;  ///< of the last convolution
};

// What .keras files call layers that have arrays, by their classes.
constexpr const char* kClasses[][2] = {{"BatchNormalization", "batch_normalization"},
                                       {"Conv2D", "conv2d"},
                                       {"Conv2DTranspose", "conv2d_transpose"},
                                       {"Dense", "dense"}};

/// What the configuration of a model says.
class Configuration {
 public:
  Configuration(const std::string& path, const KerasArrays& file, Model& model, NetworkFacts& facts)
      : path_(path), named_by_class_(file.named_by_class), model_(model), facts_(facts) {
    const json root = json::parse(file.config, nullptr, /*allow_exceptions=*/false);
    if (root.is_discarded()) fail("its configuration is no JSON; the file is damaged.");
    const json* layers = &root;
    for (const char* key : {"config", "layers"}) {
      if (layers->is_object() && layers->contains(key)) layers = &(*layers)[key];
    }
    if (!layers->is_array()) {
      fail(
          "its configuration has no list of layers; of a class of its own, save the Sequential or functional model in ",
          "it: model.discriminator.save(\"discriminator.keras\").");
    }
    for (const json& layer : *layers) find_maps(layer);
    for (const json& layer : *layers) take(layer);
    if (generator_) {
      if (!ends_with(text_, "tanh") && !ends_with(text_, "sigmoid")) {
        fail("its generator ends in no tanh or sigmoid, which make the pixels of those that are read.");
      }
      if (facts_.architecture.generator_network.empty()) facts_.architecture.generator_network = text_;
      facts_.architecture.latent = Latent::kNormal;  // as in Keras' examples
      return;
    }
    if (facts_.architecture.network.empty()) facts_.architecture.network = text_;
    take_input();
  }

 private:
  template <class... What>
  [[noreturn]] void fail(const What&... what) const {
    throw FileError(path_, what...);
  }
  void add(const std::string& step) { text_ += (text_.empty() ? "" : "; ") + step; }
  static std::string number(const json& value) { return value.dump(); }

  int64_t side(const json& config, const char* key, const std::string& name) const {
    const json value = config.value(key, json(1));
    if (value.is_array() && value.size() == 2 && value[0].is_number_integer() && value[0] == value[1]) return value[0];
    if (!value.is_number_integer())
      fail("its layer \"", name, "\" has ", key, " ", value.dump(), "; expected one number.");
    return value;
  }

  // Whether it is a generator, and the maps that its dense layer is reshaped to.
  void find_maps(const json& layer) {
    const std::string kind = layer.value("class_name", "");
    generator_ |= kind == "Conv2DTranspose" || kind == "UpSampling2D";
    const json config = layer.value("config", json::object());
    if (kind != "Reshape" || !config.contains("target_shape") || maps_.size > 0) return;
    const json& shape = config["target_shape"];
    if (shape.is_array() && shape.size() == 3 && shape[0] == shape[1] && shape[0] > 0 && shape[0] <= 1024 &&
        shape[2] > 0 && shape[2] <= 65536) {
      maps_ = {shape[0].get<int64_t>(), shape[2].get<int64_t>()};
    }
  }

  // Of a layer in its file.
  const Layer* arrays_of(const std::string& kind, const std::string& name) {
    if (!named_by_class_) return model_.find(name);
    const auto own =
        std::find_if(std::begin(kClasses), std::end(kClasses), [&](const auto& c) { return kind == c[0]; });
    if (own == std::end(kClasses)) return nullptr;
    const int64_t before = times_[kind]++;
    return model_.find(before == 0 ? (*own)[1] : text_of((*own)[1], "_", before));
  }

  void take(const json& layer) {
    const std::string kind = layer.value("class_name", "");
    const json config = layer.value("config", json::object());
    const std::string name = config.value("name", "");
    for (const char* key : {"batch_shape", "batch_input_shape"}) {
      if (config.contains(key) && config[key].is_array() && config[key].size() == 4) shape_ = config[key];
    }
    if (kind == "InputLayer" || starts_with(kind, "Dropout") || starts_with(kind, "SpatialDropout") ||
        kind == "GaussianNoise") {
      return;
    }
    if (kind == "Rescaling") return take_rescaling(config, name);
    if (kind == "Flatten") return add("flatten");
    if (kind == "GlobalAveragePooling2D") return add("mean");
    if (kind == "MaxPooling2D") return add("maxpool " + std::to_string(side(config, "pool_size", name)));
    if (kind == "ReLU") {
      for (const char* key : {"max_value", "negative_slope", "threshold"}) {
        const json value = config.value(key, json());
        if (value.is_null() || value == 0) continue;
        fail("its layer \"", name, "\" is a ReLU with ", key, " ", value.dump(), ", which no list has.");
      }
      return add("relu");
    }
    if (generator_ && kind == "Reshape") {
      units_ = false;
      return;
    }
    if (generator_ && kind == "UpSampling2D") {
      if (config.value("interpolation", "nearest") != "nearest") {
        fail("its layer \"", name, "\" doubles maps by interpolation; lists have that of the nearest value.");
      }
      return add("upsample " + std::to_string(side(config, "size", name)));
    }
    if (kind == "Activation") return take_activation(config.value("activation", json("linear")), name);
    if (kind == "LeakyReLU") {
      const json slope =
          config.contains("negative_slope") ? config["negative_slope"] : config.value("alpha", json(0.3));
      if (!slope.is_number()) fail("its layer \"", name, "\" has the slope ", slope.dump(), ".");
      return add("lrelu " + json(std::round(slope.get<double>() * 1e7) / 1e7).dump());  // Keras keeps it in float32
    }
    const Layer* arrays = arrays_of(kind, name);
    const bool transposed = generator_ && kind == "Conv2DTranspose";
    if (kind != "Conv2D" && kind != "Dense" && kind != "BatchNormalization" && !transposed) {
      fail("its layer \"", name, "\" is a ", kind.empty() ? "layer of no kind" : kind.c_str(),
           ", which no list of layers has; there are Conv2D, BatchNormalization, LeakyReLU, ReLU, Dropout, "
           "MaxPooling2D, ",
           "Flatten, GlobalAveragePooling2D, Dense and Rescaling, and in generators Reshape, Conv2DTranspose and "
           "UpSampling2D.");
    }
    if (arrays == nullptr) fail("has no weights of its layer \"", name, "\".");
    if (kind == "BatchNormalization") {
      model_.add_norm(*arrays, units_ ? maps_ : Maps());
      // Keras' momentum is the share of what was there, PyTorch's that of what comes.
      const double momentum = 1 - config.value("momentum", 0.99);
      add((units_ ? "bn units " : "bn ") + number(config.value("epsilon", json(1e-3))) + " " +
          json(std::round(momentum * 1e7) / 1e7).dump());
      return;
    }
    if (kind == "Dense") {
      const int64_t units = config.value("units", int64_t{0});
      units_ = generator_ && maps_.size > 0 && units == maps_.units();
      if (units_) {
        model_.add_projection(*arrays, maps_);
        add(text_of("dense to ", maps_.channels, "x", maps_.size, "x", maps_.size));
      } else {
        model_.add_dense(*arrays);
        add(generator_ ? text_of("dense to ", units) : "dense");
      }
      return take_activation(config.value("activation", json("linear")), name);
    }
    const bool same = config.value("padding", "valid") == "same";
    if (config.value("data_format", "channels_last") != "channels_last") {
      fail("its layer \"", name, "\" has channels first; save the model with channels last.");
    }
    if (side(config, "dilation_rate", name) != 1 || config.value("groups", 1) != 1) {
      fail("its layer \"", name, "\" is dilated or in groups, which no list of layers has.");
    }
    const int64_t kernel = side(config, "kernel_size", name), stride = side(config, "strides", name);
    if (transposed && config.contains("output_padding") && !config["output_padding"].is_null()) {
      fail("its layer \"", name, "\" has an output_padding; those that are read have none.");
    }
    if (!generator_ || transposed) {
      model_.add_convolution(*arrays);
      add(text_of(transposed ? "deconv " : "conv ", kernel, " ", stride, same ? " same" : " 0"));
    } else {
      if (stride != 1) fail("its layer \"", name, "\" is a convolution of stride ", stride, " in a generator.");
      model_.add_convolution(*arrays, /*turned=*/true);
      // What a convolution pads by p, the transposed one pads by kernel - 1 - p, on the other side of its turned
      // kernel.
      const int64_t before = same ? (kernel - 1) / 2 : 0, after = same ? kernel - 1 - before : 0;
      add(text_of("deconv ", kernel, " 1 ", kernel - 1 - before, "+", kernel - 1 - after));
    }
    take_activation(config.value("activation", json("linear")), name);
  }

  // A function's name, or a layer.
  void take_activation(const json& value, const std::string& name) {
    if (value.is_object()) {
      const std::string kind = value.value("class_name", "");
      if (kind == "LeakyReLU" || kind == "ReLU") return take(value);
      fail("its layer \"", name, "\" has the activation ", kind, ", which no list has.");
    }
    const auto activation = value.get<std::string>();
    if (activation == "leaky_relu") return add("lrelu 0.2");  // keras.activations.leaky_relu
    if (activation == "linear") return;
    if (generator_ && (activation == "tanh" || activation == "sigmoid")) return add(activation);
    if (activation == "sigmoid") return;  // makes a probability of the logit
    if (activation != "relu") fail("its layer \"", name, "\" has the activation ", activation, ", which no list has.");
    add("relu");
  }

  void take_rescaling(const json& config, const std::string& name) {
    const json scale = config.value("scale", json()), offset = config.value("offset", json(0.0));
    if (!scale.is_number() || !offset.is_number() || !text_.empty()) {
      fail("its layer \"", name, "\" is a Rescaling that is not at the beginning, or not of one number.");
    }
    InputOptions& input = facts_.architecture.input;
    input.deviation = {1 / (255 * scale.get<double>())};
    input.mean = {0 - offset.get<double>() * input.deviation[0]};  // no negative zero
    facts_.input_known = true;
  }

  void take_input() {
    if (!shape_.is_array() || facts_.image_size_known) return;
    if (shape_[1].is_number_integer() && shape_[1] == shape_[2]) {
      facts_.architecture.image_size = shape_[1];
      facts_.image_size_known = true;
    }
  }

  std::string path_, text_;
  bool named_by_class_;
  bool generator_ = false;
  Maps maps_;                             ///< of a generator, the first
  bool units_ = false;                    ///< behind a generator's dense layer, before the reshape
  std::map<std::string, int64_t> times_;  ///< how often layers of a class have come
  Model& model_;
  NetworkFacts& facts_;
  json shape_;
};

// Of weights alone, without an order: convolutions by their numbers, each with the norm that its width and the numbers
// give it, from the last one downwards as DCGANs have none on the first; dense layers at the end.
void take_unordered(Model& model) {
  std::vector<const Layer*> convolutions, norms, dense;
  std::vector<Layer>& layers = model.layers();
  std::stable_sort(layers.begin(), layers.end(),
                   [](const Layer& a, const Layer& b) { return numbered_name(a.name) < numbered_name(b.name); });
  for (const Layer& layer : layers) {
    const auto kernel = layer.parts.find("kernel");
    if (layer.parts.count("moving_mean") != 0) {
      norms.push_back(&layer);
    } else if (kernel == layer.parts.end()) {
      model.fail("its layer \"", layer.name, "\" is no convolution, dense layer or batch norm.");
    } else {
      (kernel->second->shape.size() == 4 ? convolutions : dense).push_back(&layer);
    }
  }
  std::map<const Layer*, const Layer*> norm_of;
  size_t left = norms.size();
  for (size_t i = convolutions.size(); i-- > 0 && left > 0;) {
    const int64_t width = convolutions[i]->parts.at("kernel")->shape.back();
    if (norms[left - 1]->parts.at("moving_mean")->shape.front() == width) norm_of[convolutions[i]] = norms[--left];
  }
  if (left > 0) model.fail("its batch norms cannot be told to layers: the file says no order of its layers.");
  for (const Layer* layer : convolutions) {
    model.add_convolution(*layer);
    const auto norm = norm_of.find(layer);
    if (norm != norm_of.end()) model.add_norm(*norm->second);
  }
  for (const Layer* layer : dense) model.add_dense(*layer);
}

}  // namespace

KerasNetwork keras_network(const std::string& path, const KerasArrays& file, const NetworkFacts& told) {
  Model model(path, file);
  NetworkFacts facts = told;
  if (!file.config.empty()) {
    try {
      const Configuration configuration(path, file, model, facts);
    } catch (const nlohmann::json::exception& error) {
      throw FileError(path, "its configuration is damaged: ", error.what());
    }
  } else if (model.find("conv2d_transpose") != nullptr) {
    model.fail("holds a generator's weights without its configuration; save the whole model: ",
               "model.save(\"generator.keras\").");
  } else if (!file.ordered) {
    take_unordered(model);
  } else {
    for (const Layer& layer : model.layers()) {
      const auto kernel = layer.parts.find("kernel");
      if (kernel == layer.parts.end()) {
        model.add_norm(layer);
      } else if (kernel->second->shape.size() == 4) {
        model.add_convolution(layer);
      } else {
        model.add_dense(layer);
      }
    }
  }
  return {StateDictReader(path, std::move(model.tensors)), facts};
}

}  // namespace dcgan
