#include "dcgan/network_import.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/text_ends.h"
#include "dcgan/errors.h"
#include "models/shapes.h"

namespace dcgan {
namespace {

using models::Shape;
using models::shape_text;

constexpr int64_t kLargestImage = 1024;
constexpr size_t kMostTensors = 5000;

enum class Kind { kConvolution, kDense, kNorm, kOther };

/// The tensors of one layer.
struct Layer {
  std::string name;  ///< "main.0", as it stands in the file
  Kind kind = Kind::kOther;
  Shape shape = {};  ///< of the weight
  bool weight = false;
  bool bias = false;
  bool statistics = false;
};

// What the parts of a layer are called behind its name; the first ones are weights, which have the layer's shape.
constexpr const char* kWeights[] = {".weight",
                                    ".weight_orig",
                                    ".weight_v",
                                    ".weight_bar",
                                    ".parametrizations.weight.original",
                                    ".parametrizations.weight.original1"};
constexpr const char* kOtherParts[] = {".weight_u",
                                       ".weight_g",
                                       ".parametrizations.weight.original0",
                                       ".parametrizations.weight.0._u",
                                       ".parametrizations.weight.0._v",
                                       ".num_batches_tracked"};

// Optimisers' state and the like is no network's.
bool is_no_parameter(const std::string& name) {
  for (const char* part : {"optim", ".state.", "scheduler", "scaler", "loss"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

std::vector<Layer> layers_below(const StateDictReader& file, const std::string& prefix) {
  std::vector<std::pair<int64_t, std::string>> names;
  for (const auto& [name, tensor] : file.tensors()) {
    if (starts_with(name, prefix) && !is_no_parameter(name)) names.emplace_back(tensor.place, name);
  }
  std::sort(names.begin(), names.end());
  std::vector<Layer> layers;
  const auto layer_of = [&layers](const std::string& name) -> Layer& {
    const auto found = std::find_if(layers.begin(), layers.end(), [&](const Layer& l) { return l.name == name; });
    if (found != layers.end()) return *found;
    layers.push_back({name});
    return layers.back();
  };
  for (const auto& [place, name] : names) {
    const Shape& shape = file.tensors().at(name).shape;
    const auto without = [&, &n = name](const std::string& end) { return n.substr(0, n.size() - end.size()); };
    bool known = false;
    // "weight_v" is the weight of a weight norm, and a vector of a spectral one.
    for (const char* part : kWeights) {
      if (!ends_with(name, part)) continue;
      known = true;
      if (part == std::string(".weight_v") && file.tensors().count(without(part) + ".weight_g") == 0) break;
      Layer& layer = layer_of(without(part));
      layer.shape = shape;
      layer.weight = true;
      layer.kind = shape.size() == 4   ? Kind::kConvolution
                   : shape.size() == 2 ? Kind::kDense
                   : shape.size() == 1 ? Kind::kNorm
                                       : Kind::kOther;
      break;
    }
    for (const char* part : kOtherParts) known |= ends_with(name, part);
    for (const char* part : {".running_mean", ".running_var"}) {
      if (!ends_with(name, part)) continue;
      known = true;
      Layer& layer = layer_of(without(part));
      layer.statistics = true;
      if (layer.shape.empty()) {
        layer.kind = Kind::kNorm;
        layer.shape = shape;
      }
    }
    if (ends_with(name, ".bias")) {
      known = true;
      layer_of(without(".bias")).bias = true;
    }
    if (!known) layers.push_back({name, Kind::kOther, shape});
  }
  return layers;
}

/// Why tensors are no network. `depth` says how far they got: of several reasons the furthest is told.
struct NoNetwork {
  int64_t depth;
  std::string reason;
};

template <class... What>
[[noreturn]] void refuse(int64_t depth, const What&... what) {
  throw NoNetwork{depth, text_of(what...)};
}

std::string described(const Layer& layer) { return text_of("\"", layer.name, "\" ", shape_text(layer.shape)); }

/// A convolution of a chain and its norm.
struct Link {
  const Layer* convolution;
  const Layer* norm = nullptr;
  bool norm_last = false;  ///< something lies between them, an activation
};

/// What a discriminator, or the transposed convolutions of a generator, are made of.
struct Chain {
  int64_t input_channels = 0;
  std::vector<Link> links;
  std::vector<Link> dense;           ///< after the convolutions; of a generator before them
  std::vector<const Layer*> others;  ///< heads that make something else than the logit

  int64_t kernel(size_t i) const { return links[i].convolution->shape[2]; }
};

// "main.5" is 5 modules behind "main.0"; 0 where the names do not say.
int64_t modules_between(const std::string& layer, const std::string& next) {
  const auto split = [](const std::string& name) {
    const size_t dot = name.rfind('.');
    const std::string last = dot == std::string::npos ? name : name.substr(dot + 1);
    const bool number = !last.empty() && last.size() < 9 &&
                        std::all_of(last.begin(), last.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    return std::make_pair(dot == std::string::npos ? "" : name.substr(0, dot), number ? std::stoll(last) : -1);
  };
  const auto [a, from] = split(layer);
  const auto [b, to] = split(next);
  return a == b && from >= 0 && to >= from ? to - from : 0;
}

// What a norm without running statistics is, as far as its name says it: "in1", "norm.gn", "layer_norm".
std::string kind_of_norm(const Layer& norm) {
  std::string name = norm.name.substr(norm.name.rfind('.') + 1);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  const std::string letters = name.substr(0, name.find_first_of("0123456789_"));
  const auto has = [&name](const char* part) { return name.find(part) != std::string::npos; };
  if (letters == "in" || has("inst")) return "by its name an instance norm";
  if (letters == "gn" || has("group")) return "by its name a group norm";
  if (letters == "ln" || has("layer")) return "by its name a layer norm";
  return "probably InstanceNorm2d(affine=True) or GroupNorm, or BatchNorm2d(track_running_stats=False)";
}

// Norms of one image's own maps are no part of lists: the engine's statistics are fixed.
constexpr const char* kOtherNorms =
    "networks here have batch norm with running statistics (InstanceNorm2d(track_running_stats=True) is the same in "
    "evaluation), spectral norm, or none; exchange it in PyTorch and train on";

bool lists_channels(const Layer& norm) { return norm.shape.size() == 1 && norm.shape[0] > 0; }

void add_norm(Link& link, const Layer& norm, int64_t channels, int64_t depth) {
  if (!norm.statistics) {
    refuse(depth, "its layer ", described(norm), " is a norm without running statistics, ", kind_of_norm(norm), "; ",
           kOtherNorms);
  }
  if (!lists_channels(norm)) {
    refuse(depth, "its norm ", described(norm), " is no list of channels");
  }
  if (!norm.weight || !norm.bias) {
    refuse(depth, "its norm ", described(norm), " has running statistics and no weight and bias (affine=False); add ",
           "them to the state_dict in PyTorch: sd[\"", norm.name, ".weight\"] = torch.ones(", norm.shape[0], "), sd[\"",
           norm.name, ".bias\"] = torch.zeros(", norm.shape[0], ")");
  }
  if (norm.shape != Shape{channels}) {
    refuse(depth, "its norm ", described(norm), " belongs to another layer than ", described(*link.convolution),
           ", which it follows");
  }
  if (link.norm != nullptr) refuse(depth, "its layer ", described(*link.convolution), " is followed by two norms");
  link.norm = &norm;
  link.norm_last = modules_between(link.convolution->name, norm.name) > 1;
}

void require_square(const Layer& layer, int64_t depth) {
  if (layer.shape[2] != layer.shape[3]) refuse(depth, "the kernels of ", described(layer), " are not square");
}

/// How a generator's convolutions lie in a file: transposed ones [I, O, k, k], or, behind what doubles maps
/// (nn.Upsample), ordinary ones [O, I, k, k].
struct GeneratorKernels {
  bool ordinary = false;
  int64_t inputs(const Layer& layer) const { return layer.shape[ordinary ? 1 : 0]; }
  int64_t outputs(const Layer& layer) const { return layer.shape[ordinary ? 0 : 1]; }
};

std::optional<GeneratorKernels> kernels_of_generator(const std::vector<Layer>& layers) {
  const auto is_image = [](int64_t channels) { return channels == 1 || channels == 3; };
  const bool dense = std::any_of(layers.begin(), layers.end(), [](const Layer& l) { return l.kind == Kind::kDense; });
  for (const GeneratorKernels kernels : {GeneratorKernels{false}, GeneratorKernels{true}}) {
    const Layer* before = nullptr;
    bool chained = true;
    for (const Layer& layer : layers) {
      if (layer.kind != Kind::kConvolution) continue;
      // Ordinary ones that take images, or no dense layer's maps, are a discriminator's.
      chained &= before != nullptr ? kernels.outputs(*before) == kernels.inputs(layer)
                                   : !kernels.ordinary || (dense && !is_image(kernels.inputs(layer)));
      before = &layer;
    }
    if (before != nullptr && chained && is_image(kernels.outputs(*before))) return kernels;
  }
  return std::nullopt;
}

// Dense layers, with their norms, at one end: files without an order of their own have that of the names.
std::vector<Layer> with_dense_layers(bool last, const std::vector<Layer>& layers) {
  std::vector<Layer> dense, others;
  bool in_dense = false;
  for (const Layer& layer : layers) {
    if (layer.kind != Kind::kNorm) in_dense = layer.kind == Kind::kDense;
    (in_dense ? dense : others).push_back(layer);
  }
  std::vector<Layer>& first = last ? others : dense;
  const std::vector<Layer>& second = last ? dense : others;
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Chain discriminator_in(const std::vector<Layer>& layers) {
  Chain chain;
  chain.links.reserve(layers.size());  // `last` points into them
  chain.dense.reserve(layers.size());
  int64_t channels = 0, depth = 0;
  Link* last = nullptr;
  for (const Layer& layer : layers) {
    ++depth;
    switch (layer.kind) {
      case Kind::kOther:
        if (last != nullptr && layer.shape.size() == 3 && layer.shape[0] == channels && layer.weight && layer.bias) {
          refuse(depth, "its layer ", described(layer), " is a layer norm of whole maps (LayerNorm([C, H, W])); ",
                 kOtherNorms);
        }
        refuse(depth, "its tensor ", described(layer),
               " is no weight of a convolution, a dense layer or a batch norm: ",
               "a transformer, or another network than a DCGAN's");
      case Kind::kConvolution: {
        require_square(layer, depth);
        const Shape& s = layer.shape;
        if (chain.links.empty()) {
          if (s[1] != 1 && s[1] != 3) {
            if (kernels_of_generator(layers)) {
              refuse(1000 + depth, "it is a generator, which makes images of noise; features need the discriminator: ",
                     "give the file that holds it");
            }
            refuse(depth, "its first convolution ", described(layer), " takes ", s[1],
                   " channels; expected 1 or 3, those of images: a network with labels as maps?");
          }
          chain.input_channels = s[1];
        } else if (s[1] != channels || !chain.dense.empty()) {
          refuse(depth, "its layers are no chain: ", described(layer), " takes ", s[1], " channels, where ",
                 described(*last->convolution), " before it makes ", channels,
                 "; networks with shortcuts (a ResNet) or branches are none of these lists");
        }
        channels = s[0];
        chain.links.push_back({&layer});
        last = &chain.links.back();
        break;
      }
      case Kind::kDense: {
        const bool beside = !chain.dense.empty() && layer.shape[1] == chain.dense.front().convolution->shape[1] &&
                            layer.shape[1] != chain.dense.back().convolution->shape[0];
        if (beside && layer.shape[0] != 1) {
          chain.others.push_back(&layer);
          break;
        }
        if (beside) {
          for (const Link& link : chain.dense) chain.others.push_back(link.convolution);
          chain.dense.clear();
        }
        chain.dense.push_back({&layer});
        last = &chain.dense.back();
        channels = layer.shape[0];
        break;
      }
      case Kind::kNorm:
        if (last == nullptr) refuse(depth, "its norm ", described(layer), " stands before any convolution");
        add_norm(*last, layer, channels, depth);
        break;
    }
  }
  if (chain.links.empty()) {
    refuse(depth, "it holds no convolution [O, I, k, k]; a network of dense layers, or a transformer?");
  }
  return chain;
}

// From the noise upwards.
Chain generator_in(const std::vector<Layer>& layers, const GeneratorKernels& kernels, int64_t image_channels) {
  Chain chain;
  chain.links.reserve(layers.size());
  chain.dense.reserve(layers.size());
  int64_t channels = 0, depth = 0;
  Link* last = nullptr;
  for (const Layer& layer : layers) {
    ++depth;
    if (layer.kind == Kind::kOther) refuse(depth, "its tensor ", described(layer), " is of no known layer");
    if (layer.kind == Kind::kConvolution) {
      require_square(layer, depth);
      if (!chain.links.empty() && kernels.inputs(layer) != channels) {
        refuse(depth, "its layer ", described(layer), " is no transposed convolution of ", channels, " channels");
      }
      channels = kernels.outputs(layer);
      chain.links.push_back({&layer});
      last = &chain.links.back();
    } else if (layer.kind == Kind::kDense) {
      if (!chain.links.empty()) refuse(depth, "a dense layer follows its convolutions");
      channels = layer.shape[0];
      chain.dense.push_back({&layer});
      last = &chain.dense.back();
    } else {
      if (last == nullptr) refuse(depth, "a norm stands before all layers");
      // Behind a dense layer that makes maps: of its units, or of their channels.
      const bool of_maps =
          last->convolution->kind == Kind::kDense && lists_channels(layer) && channels % layer.shape[0] == 0;
      add_norm(*last, layer, of_maps ? layer.shape[0] : channels, depth);
    }
  }
  if (chain.links.empty() || channels != image_channels) {
    refuse(depth, "its last layer makes no images of ", image_channels, " channels");
  }
  return chain;
}

/// Stride and padding of each kernel, the activation's slope and batch norm's epsilon.
struct Family {
  std::string name;
  std::function<std::string(size_t i)> sampling;  ///< "2 1" of convolution i
  double slope = 0.2;
  double epsilon = kUsualEpsilon;
};

bool all_kernels(const Chain& chain, size_t count, std::initializer_list<int64_t> of) {
  for (size_t i = 0; i < count; ++i) {
    if (std::find(of.begin(), of.end(), chain.kernel(i)) == of.end()) return false;
  }
  return true;
}

bool any_kernel(const Chain& chain, size_t count, int64_t kernel) {
  for (size_t i = 0; i < count; ++i) {
    if (chain.kernel(i) == kernel) return true;
  }
  return false;
}

bool any(const std::vector<Link>& links, const std::function<bool(const Link&)>& of) {
  return std::any_of(links.begin(), links.end(), of);
}

/// @param body  convolutions below the head
std::optional<Family> family_of(const Chain& chain, size_t body) {
  const bool norms = any(chain.links, [](const Link& l) { return l.norm != nullptr; });
  const bool norms_last = any(chain.links, [](const Link& l) { return l.norm_last; });
  const bool biases = any(chain.links, [](const Link& l) { return l.convolution->bias; });
  if (body == 0) return std::nullopt;
  // The names that Keras gives: its padding SAME, and its epsilon.
  constexpr double kKerasEpsilon = 1e-3;
  if (chain.links.front().convolution->name.find("conv2d") == 0 && !norms_last && !chain.dense.empty()) {
    const bool tutorial = chain.input_channels == 1 && body == 2 && all_kernels(chain, body, {5});
    return Family{tutorial ? "TensorFlow's DCGAN tutorial, 28x28 grey" : "Keras' DCGANs (strides 2, padding same)",
                  [](size_t) { return "2 same"; }, tutorial ? 0.3 : 0.2, kKerasEpsilon};
  }
  if (all_kernels(chain, body, {4}) && !norms_last) {
    Family f{"a critic without batch norm, kernels of 4x4", [](size_t) { return "2 1"; }};
    if (norms && chain.dense.empty() && !biases) {
      f.name = body == 4 ? "PyTorch's DCGAN example" : "a descendant of PyTorch's DCGAN example";
    } else if (norms) {
      f.name = "4x4 kernels as in PyTorch's DCGAN example";
    }
    return f;
  }
  if (all_kernels(chain, body, {3, 4}) && any_kernel(chain, body, 3) && any_kernel(chain, body, 4) && !norms) {
    const auto sampling = [&chain](size_t i) { return chain.kernel(i) == 3 ? "1 1" : "2 1"; };
    return Family{"SN-GAN's 3x3 and 4x4 in turn (Miyato et al. 2018)", sampling, 0.1};
  }
  if (all_kernels(chain, body, {5}) && !chain.dense.empty() && !norms_last) {
    const bool of_tensorflow = chain.links.front().convolution->name.find("h0_conv") != std::string::npos;
    if (of_tensorflow) return Family{"DCGAN-tensorflow", [](size_t) { return "2 same"; }};
    if (chain.input_channels == 1 && body == 2) {
      return Family{"28x28 grey, 5x5 kernels, written in PyTorch", [](size_t) { return "2 2"; }};
    }
    return Family{"DCGAN-tensorflow's 5x5 kernels, written in PyTorch", [](size_t) { return "2 2"; }};
  }
  if (all_kernels(chain, body, {3}) && biases && norms_last && !chain.dense.empty()) {
    return Family{"PyTorch-GAN's DCGAN", [](size_t) { return "2 1"; }, 0.2, 0.8};
  }
  return std::nullopt;
}

// "conv 4 2 1; bn; lrelu 0.2; ...", with what the tensors say.
std::string list_of(const Chain& chain, size_t body, const Family& family) {
  std::string text;
  const auto add = [&text](const std::string& step) { text += (text.empty() ? "" : "; ") + step; };
  for (size_t i = 0; i < body; ++i) {
    const Link& link = chain.links[i];
    const std::string norm = text_of("bn ", nlohmann::json(family.epsilon).dump());
    const std::string activation = text_of("lrelu ", nlohmann::json(family.slope).dump());
    add(text_of("conv ", chain.kernel(i), " ", family.sampling(i)));
    if (link.norm != nullptr && !link.norm_last) add(norm);
    add(activation);
    if (link.norm != nullptr && link.norm_last) add(norm);
  }
  if (chain.dense.empty()) {
    add(text_of("conv ", chain.kernel(body), " 1 0"));
    return text;
  }
  for (size_t i = 0; i < chain.dense.size(); ++i) {
    add("dense");
    if (i + 1 == chain.dense.size()) break;
    if (chain.dense[i].norm != nullptr) add("bn");
    add(text_of("lrelu ", nlohmann::json(family.slope).dump()));
  }
  return text;
}

// The image sizes that come out whole and have the inputs that the head takes; the most often halved first.
std::vector<int64_t> sizes_of(const DiscriminatorLayers& layers, int64_t channels, int64_t inputs) {
  std::vector<std::pair<int64_t, int64_t>> sizes;  // the largest power of two that divides it, negative
  for (int64_t size = 1; size <= kLargestImage; ++size) {
    DiscriminatorLayers tried = layers;
    try {
      complete(tried, {channels, size});
    } catch (const Error&) {
      continue;
    }
    const int64_t found = tried.hidden ? tried.hidden->inputs : tried.head.inputs;
    if (found == inputs) sizes.emplace_back(-(size & -size), size);
  }
  std::sort(sizes.begin(), sizes.end());
  std::vector<int64_t> result;
  for (const auto& [power, size] : sizes) result.push_back(size);
  return result;
}

/// Puts what the tensors say into a list: channels and biases. @throws NoNetwork where they contradict it
void fit(DiscriminatorLayers& layers, const Chain& chain) {
  const size_t body = layers.convolutions.size();
  const size_t convolutions = chain.links.size() - (chain.dense.empty() ? 1 : 0);
  const int64_t all = 2000;
  if (body != convolutions) {
    refuse(all, "the list has ", body, " convolutions below the logit, the file ", convolutions, ": ",
           described(*chain.links.front().convolution), " to ", described(*chain.links.back().convolution));
  }
  const auto fit_end = [&](LayerEnd& end, const Link& link, const std::string& what) {
    const std::string in_file = text_of(what, ", in the file ", described(*link.convolution), ", ");
    if (end.batch_norm != (link.norm != nullptr)) {
      refuse(all, in_file,
             link.norm != nullptr ? "is followed by the norm " + described(*link.norm) + "; the list has none"
                                  : std::string("has no batch norm behind it; the list has one"));
    }
    end.bias = link.convolution->bias;
  };
  for (size_t i = 0; i < body; ++i) {
    ConvolutionShape& c = layers.convolutions[i];
    const Layer& found = *chain.links[i].convolution;
    const std::string what = text_of("convolution ", i + 1);
    if (c.kernel != found.shape[2]) {
      refuse(all, what, ", in the file ", described(found), ", has kernels of ", found.shape[2], "; the list says ",
             c.kernel);
    }
    if (c.out_channels != 0 && c.out_channels != found.shape[0]) {
      refuse(all, what, ", in the file ", described(found), ", makes ", found.shape[0], " channels; the list says ",
             c.out_channels);
    }
    c.out_channels = found.shape[0];
    fit_end(c, chain.links[i], what);
  }
  if (chain.dense.empty()) {
    const Layer& head = *chain.links.back().convolution;
    if (layers.hidden) refuse(all, "the list has a hidden dense layer; the file has none");
    if (head.shape[0] != 1) {
      refuse(all, "its last layer ", described(head), " makes ", head.shape[0], " channels; expected 1, the logit");
    }
    layers.head.bias = head.bias;
    layers.head.inputs = -head.shape[2];
    return;
  }
  const Layer& head = *chain.dense.back().convolution;
  if (head.shape[0] != 1) {
    refuse(all, "its last layer ", described(head), " makes ", head.shape[0],
           " values; expected 1, the logit: a classifier?");
  }
  if (chain.dense.size() > 2) refuse(all, "it has ", chain.dense.size(), " dense layers; expected at most 2");
  const bool hidden = chain.dense.size() == 2;
  if (hidden != layers.hidden.has_value()) {
    refuse(all, "it has ", chain.dense.size(), " dense layers, the list ", layers.hidden ? 2 : 1);
  }
  layers.head.bias = head.bias;
  if (!hidden) return;
  layers.hidden->outputs = chain.dense.front().convolution->shape[0];
  fit_end(*layers.hidden, chain.dense.front(), "the hidden dense layer");
}

int64_t dense_inputs(const Chain& chain) {
  if (!chain.dense.empty()) return chain.dense.front().convolution->shape[1];
  const Shape& s = chain.links.back().convolution->shape;
  return s[1] * s[2] * s[3];
}

std::string candidates(const Chain& chain, size_t body) {
  const Family symmetric{"", [&chain](size_t i) { return text_of("2 ", (chain.kernel(i) - 1) / 2); }};
  const Family same{"", [](size_t) { return "2 same"; }};
  const Family in_turn{"", [&chain](size_t i) { return text_of(i % 2 == 0 ? "1 " : "2 ", (chain.kernel(i) - 1) / 2); }};
  std::string text;
  for (const Family& family : {symmetric, same, in_turn}) {
    DiscriminatorLayers layers = parse_discriminator(list_of(chain, body, family));
    try {
      fit(layers, chain);
    } catch (const NoNetwork&) {
      continue;
    }
    const std::vector<int64_t> sizes = sizes_of(layers, chain.input_channels, dense_inputs(chain));
    if (sizes.empty()) continue;
    text += text_of(text.empty() ? "" : " or ", "--image-size ", sizes.front(), " --network \"",
                    list_of(chain, body, family), "\"");
  }
  return text.empty() ? "--network \"conv KERNEL STRIDE PADDING; bn; lrelu 0.2; ...\"" : text;
}

struct OurNames {
  std::string layer, norm;
};

// @param file  "FILE:"
void map_layer(std::map<std::string, std::string>& mapping, const OurNames& our, const Link& link,
               const std::string& file) {
  const std::string& ours = our.layer;
  const std::string theirs = file + link.convolution->name;
  mapping[ours + ".weight"] = theirs + ".weight";
  if (link.convolution->bias) mapping[ours + ".bias"] = theirs + ".bias";
  if (link.norm == nullptr) return;
  for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) {
    mapping[our.norm + part] = file + link.norm->name + part;
  }
}

// InstanceNorm2d has no weights by default, so that nothing tells it from a dropout but that modules are counted.
// @return the convolution and the next layer between which there are more modules than an activation, and no norm
std::optional<std::pair<const Layer*, const Layer*>> unseen_modules(const Chain& chain) {
  for (size_t i = 0; i + 1 < chain.links.size(); ++i) {
    const Layer* next = chain.links[i + 1].convolution;
    if (chain.links[i].norm == nullptr && modules_between(chain.links[i].convolution->name, next->name) > 2) {
      return std::make_pair(chain.links[i].convolution, next);
    }
  }
  return std::nullopt;
}

/// A discriminator of these layers.
FoundNetwork discriminator_of(const std::vector<Layer>& found_layers, const NetworkFacts& facts,
                              const std::string& file) {
  const std::vector<Layer> layers = with_dense_layers(/*last=*/true, found_layers);
  const Chain chain = discriminator_in(layers);
  const size_t body = chain.links.size() - (chain.dense.empty() ? 1 : 0);
  FoundNetwork found;
  found.architecture = facts.architecture;
  found.architecture.input.channels = chain.input_channels;
  DiscriminatorLayers list;
  if (facts.architecture.network.empty()) {
    std::optional<Family> family = family_of(chain, body);
    if (!family) {
      refuse(2000, "strides and paddings of its ", body,
             " convolutions stand in no file, and its shapes are those of no ",
             "known family: ", described(*chain.links.front().convolution), " to ",
             described(*chain.links.back().convolution), "; say them, for example ", candidates(chain, body));
    }
    if (const auto unseen = unseen_modules(chain)) {
      const std::string where = text_of("between ", described(*unseen->first), " and ", described(*unseen->second));
      const bool norms = any(chain.links, [](const Link& l) { return l.norm != nullptr; });
      if (all_kernels(chain, body, {4}) && !norms) {  // critics of this kind often have instance norms
        refuse(2000, "its names count two modules or more ", where,
               ", none with weights: an activation, and a dropout or ",
               "InstanceNorm2d, which is no layer of lists; where it is dropout, say the network: ",
               candidates(chain, body));
      }
      found.assumed.push_back(text_of("modules without weights ", where, " are dropout, not instance norm"));
    }
    found.family = family->name;
    found.assumed.push_back(text_of("strides and paddings as in ", family->name));
    found.assumed.push_back(text_of("LeakyReLU of slope ", nlohmann::json(family->slope).dump()));
    if (facts.epsilon >= 0) {
      family->epsilon = facts.epsilon;
    } else if (any(chain.links, [](const Link& l) { return l.norm != nullptr; })) {
      found.assumed.push_back(text_of("epsilon ", nlohmann::json(family->epsilon).dump(), " of batch norm"));
    }
    list = parse_discriminator(list_of(chain, body, *family));
  } else {
    list = parse_discriminator(facts.architecture.network);
  }
  fit(list, chain);
  const int64_t inputs = list.average_pool ? 0 : dense_inputs(chain);
  if (!facts.image_size_known) {
    const std::vector<int64_t> sizes =
        list.average_pool ? std::vector<int64_t>() : sizes_of(list, chain.input_channels, inputs);
    if (sizes.empty()) {
      refuse(2000, list.average_pool
                       ? "the image size cannot be read from it; --image-size says it"
                       : text_of("no image size gives these layers the ", inputs, " values that its last one takes: ",
                                 chain.dense.empty() ? described(*chain.links.back().convolution)
                                                     : described(*chain.dense.front().convolution),
                                 "; are strides and paddings right?"));
    }
    found.architecture.image_size = sizes.front();
    if (sizes.size() > 1 || !found.family.empty()) {
      found.assumed.push_back(text_of("images of ", sizes.front(), " x ", sizes.front(), " pixels"));
    }
  }
  try {
    complete(list, {chain.input_channels, found.architecture.image_size});
  } catch (const Error& error) {
    refuse(2000, error.what());
  }
  const int64_t wanted = list.hidden ? list.hidden->inputs : list.head.inputs;
  if (wanted != dense_inputs(chain)) {
    refuse(2000, "its layers give ", wanted, " values at ", found.architecture.image_size,
           " pixels, where the last one takes ", dense_inputs(chain), ": is --image-size right?");
  }
  found.architecture.network = joined_steps(steps_of(list));
  if (!facts.input_known) {
    found.assumed.push_back(chain.input_channels == 1
                                ? "grey pixels scaled to [-1, 1]"
                                : "pixels in the order RGB, scaled to [-1, 1] (mean 0.5, deviation 0.5)");
  }
  for (size_t i = 0; i < body; ++i) {
    map_layer(found.mapping, {text_of("discriminator.conv", i + 1), text_of("discriminator.bn", i + 1)}, chain.links[i],
              file);
  }
  if (list.hidden) {
    map_layer(found.mapping, {"discriminator.hidden", "discriminator.bn_hidden"}, chain.dense.front(), file);
  }
  map_layer(found.mapping, {"discriminator.head", ""}, chain.dense.empty() ? chain.links.back() : chain.dense.back(),
            file);
  for (const Layer* other : chain.others) {
    found.left_out.push_back(text_of(described(*other), ": another output than the logit"));
  }
  return found;
}

/// 0 where no map is that small.
int64_t halved(int64_t size, size_t times) { return times > 62 ? 0 : size >> times; }

// PyTorch-GAN's generator: maps are doubled before each convolution but the last, and the norms' epsilon is 0.8 but for
// the first one's, which follows the dense layer without an activation.
std::string list_of_doubling(const Chain& chain, int64_t channels, int64_t size) {
  const size_t count = chain.links.size();
  const int64_t base = halved(size, count - 1);
  const Link& projection = chain.dense.front();
  const auto has_norm = [](const Link& l) { return l.norm != nullptr && !l.norm_last; };
  const bool normed = has_norm(projection) && std::all_of(chain.links.begin(), chain.links.end() - 1, has_norm);
  if (projection.convolution->shape[0] != channels * base * base || !normed || chain.links.back().norm != nullptr ||
      !all_kernels(chain, count, {3})) {
    refuse(2000, "its generator has ordinary convolutions, behind what doubles maps (nn.Upsample), and is not ",
           "PyTorch-GAN's; --generator-network says where maps are doubled: \"dense to ", channels,
           "x8x8; bn; upsample 2; deconv 3 1 1; bn; lrelu 0.2; ...; deconv 3 1 1; tanh\"");
  }
  std::string text = text_of("dense to ", channels, "x", base, "x", base, "; bn");
  for (size_t i = 0; i + 1 < count; ++i) text += "; upsample 2; deconv 3 1 1; bn 0.8; lrelu 0.2";
  return text + "; deconv 3 1 1; tanh";
}

/// Adds a generator of these layers. @throws NoNetwork
void add_generator(FoundNetwork& found, const std::vector<Layer>& found_layers, const NetworkFacts& facts,
                   const std::string& file) {
  const std::vector<Layer> layers = with_dense_layers(/*last=*/false, found_layers);
  const int64_t size = found.architecture.image_size;
  const GeneratorKernels kernels = *kernels_of_generator(layers);
  const Chain chain = generator_in(layers, kernels, found.architecture.input.channels);
  const bool dense = !chain.dense.empty();
  if (chain.dense.size() > 1) refuse(2000, "its generator has several dense layers");
  const size_t first = dense ? 0 : 1;  // of the convolutions that take maps
  if (chain.links.size() <= first) refuse(2000, "its generator has no layers that take maps");
  const Link& projection = dense ? chain.dense.front() : chain.links.front();
  const Shape& p = projection.convolution->shape;
  const int64_t channels = dense ? kernels.inputs(*chain.links.front().convolution) : p[1];
  const int64_t nz = dense ? p[1] : p[0];
  std::string text = facts.architecture.generator_network;
  const bool told = !text.empty();
  if (!told && kernels.ordinary) {
    text = list_of_doubling(chain, channels, size);
  } else if (!told) {
    const int64_t kernel = chain.links[first].convolution->shape[2];
    for (size_t i = first; i < chain.links.size(); ++i) {
      if (chain.links[i].convolution->shape[2] != kernel) refuse(2000, "kernels of its generator differ");
    }
    if (kernel != 4 && kernel != 5) refuse(2000, "its generator has kernels of ", kernel);
    const int64_t base = halved(size, chain.links.size() - first);
    text = dense ? text_of("dense to ", channels, "x", base, "x", base) : text_of("deconv ", p[2], " 1 0");
    const auto end = [&text](const Link& link, const char* norm) {
      if (link.norm != nullptr && link.norm_last) refuse(2000, "its generator's norms follow the activations");
      if (link.norm != nullptr) text += norm;
    };
    const bool per_unit = dense && projection.norm != nullptr && projection.norm->shape[0] != channels;
    end(projection, per_unit ? "; bn units" : "; bn");
    text += "; relu";
    for (size_t i = first; i < chain.links.size(); ++i) {
      text += kernel == 4 ? "; deconv 4 2 1" : "; deconv 5 2 2+1";
      end(chain.links[i], "; bn");
      if (i + 1 < chain.links.size()) text += "; relu";
    }
    text += "; tanh";
  }
  GeneratorLayers list = parse_generator(text);
  if (list.hidden || list.convolutions.size() != chain.links.size() - first || list.project.transposed == dense) {
    refuse(2000, "the generator's list has other layers than the file");
  }
  list.project.channels = channels;
  list.project.bias = projection.convolution->bias;
  const auto check_norm = [](const LayerEnd& end, const Link& link) {
    if (end.batch_norm != (link.norm != nullptr)) {
      refuse(2000, "the generator's layer ", described(*link.convolution), " has another norm than its list says");
    }
  };
  check_norm(list.project, projection);
  for (size_t i = 0; i < list.convolutions.size(); ++i) {
    const Link& link = chain.links[i + first];
    if (list.convolutions[i].kernel != link.convolution->shape[2]) {
      refuse(2000, "the generator's layer ", described(*link.convolution), " has other kernels than its list says");
    }
    if (kernels.ordinary && list.convolutions[i].stride != 1) {
      refuse(2000, "the generator's layer ", described(*link.convolution), " is no transposed convolution; as an ",
             "ordinary one, behind what doubles maps, it is \"upsample 2; deconv ", link.convolution->shape[2], " 1 ",
             link.convolution->shape[2] / 2, "\" in a list");
    }
    list.convolutions[i].out_channels = kernels.outputs(*link.convolution);
    list.convolutions[i].bias = link.convolution->bias;
    check_norm(list.convolutions[i], link);
  }
  try {
    complete(list, nz, {found.architecture.input.channels, size});
  } catch (const Error& error) {
    refuse(2000, error.what());
  }
  const int64_t inputs = dense ? p[0] : p[1] * p[2] * p[3];
  if (inputs != list.project.units()) refuse(2000, "the generator's first layer makes other maps than its list says");
  found.architecture.nz = nz;
  found.architecture.generator_network = joined_steps(steps_of(list));
  if (!told) found.assumed.emplace_back("the generator's strides, paddings and activations as in its family");
  if (!dense || kernels.ordinary) found.architecture.latent = Latent::kNormal;  // as in PyTorch's examples
  found.assumed.push_back(text_of("noise of ", to_name(found.architecture.latent), " distribution"));
  map_layer(found.mapping, {"generator.project", "generator.bn0"}, projection, file);
  for (size_t i = first; i < chain.links.size(); ++i) {
    const size_t number = i - first + 1;
    map_layer(found.mapping, {text_of("generator.deconv", number), text_of("generator.bn", number)}, chain.links[i],
              file);
    if (kernels.ordinary) found.turned.insert(text_of("generator.deconv", number, ".weight"));
  }
}

// "", "netD.", "model.netD.", ...: what stands before the names of whole networks.
std::set<std::string> prefixes_in(const StateDictReader& file) {
  std::set<std::string> prefixes = {""};
  for (const auto& [name, tensor] : file.tensors()) {
    size_t dot = 0;
    for (int depth = 0; depth < 3; ++depth) {
      dot = name.find('.', dot);
      if (dot == std::string::npos) break;
      prefixes.insert(name.substr(0, ++dot));
    }
    if (prefixes.size() > 2000) break;
  }
  return prefixes;
}

struct Place {
  const StateDictReader* file;
  std::string prefix;
};

}  // namespace

FoundNetwork find_network(const std::vector<StateDictReader>& files, const NetworkFacts& facts) {
  std::string paths;
  for (const StateDictReader& file : files) paths += (paths.empty() ? "" : ", ") + file.path();
  try {
    if (!facts.architecture.network.empty()) parse_discriminator(facts.architecture.network);
    if (!facts.architecture.generator_network.empty()) parse_generator(facts.architecture.generator_network);
  } catch (const Error& error) {
    throw OptionError("--network: ", error.what());
  }
  NoNetwork best{-1, ""};
  std::vector<std::pair<Place, FoundNetwork>> found;
  for (const StateDictReader& file : files) {
    if (file.tensors().size() > kMostTensors) {
      throw FileError(file.path(), "holds ", file.tensors().size(), " tensors; a DCGAN and its optimisers have fewer.");
    }
    const std::string here = file.file_name() + ":";
    for (const std::string& prefix : facts.prefix.empty() ? prefixes_in(file) : std::set<std::string>{facts.prefix}) {
      // Everything below a prefix that was taken is a part of that network.
      const bool inside = std::any_of(found.begin(), found.end(), [&](const auto& f) {
        return f.first.file == &file && starts_with(prefix, f.first.prefix);
      });
      if (inside) continue;
      const std::vector<Layer> layers = layers_below(file, prefix);
      try {
        found.emplace_back(Place{&file, prefix}, discriminator_of(layers, facts, here));
      } catch (const NoNetwork& no) {
        // What is told is the reason of the most that there is.
        const int64_t weight = no.depth + (prefix.empty() ? 1 : 0);
        if (weight > best.depth) best = {weight, no.reason};
      } catch (const Error& error) {  // shapes that no list has: kernels of 0, or of hundreds of pixels
        if (best.depth < 0) best = {0, error.what()};
      }
    }
  }
  if (found.empty()) throw FileError(paths, best.depth < 0 ? "holds no tensors" : best.reason, ".");
  if (found.size() > 1) {
    std::string list;
    for (const auto& [place, network] : found) list += (list.empty() ? "\"" : ", \"") + place.prefix + "\"";
    throw FileError(paths, "holds several discriminators, below ", list, "; --prefix names the one that is meant.");
  }
  FoundNetwork& network = found.front().second;
  const Place& place = found.front().first;
  NoNetwork no_generator{-1, ""};
  for (const StateDictReader& file : files) {
    for (const std::string& prefix : prefixes_in(file)) {
      if (&file == place.file && (starts_with(prefix, place.prefix) || starts_with(place.prefix, prefix))) continue;
      const std::vector<Layer> layers = layers_below(file, prefix);
      if (!kernels_of_generator(layers)) continue;
      try {
        add_generator(network, layers, facts, file.file_name() + ":");
        return network;
      } catch (const NoNetwork& no) {
        if (no.depth > no_generator.depth) no_generator = no;
      }
    }
  }
  if (!facts.architecture.generator_network.empty()) {
    throw FileError(paths, "--generator-network says a generator, and there is none that fits",
                    no_generator.reason.empty() ? "." : ": " + no_generator.reason + ".");
  }
  if (!no_generator.reason.empty()) network.left_out.push_back("the generator: " + no_generator.reason);
  return network;
}

}  // namespace dcgan
