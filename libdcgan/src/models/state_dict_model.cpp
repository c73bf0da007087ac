#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <utility>

#include "base/network_constants.h"
#include "base/text_ends.h"
#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/state_dict.h"
#include "models/model_tensors.h"
#include "models/shapes.h"
#include "models/weight_norms.h"

namespace dcgan {
namespace {

using models::Normalization;
using models::product;
using models::Shape;
using models::shape_text;

bool is_generators(const std::string& name) { return starts_with(name, "generator."); }

bool is_statistic(const std::string& name) {
  return ends_with(name, ".running_mean") || ends_with(name, ".running_var");
}

// Without what wrappers put into names, also behind FILE: torch.compile, and the data-parallel ones.
std::string unwrapped(const std::string& name) {
  const size_t file = name.find(':') + 1;  // npos + 1 is 0
  std::string result;
  std::istringstream parts(name.substr(file));
  for (std::string part; std::getline(parts, part, '.');) {
    if (part != "module" && part != "_orig_mod") result += (result.empty() ? "" : ".") + part;
  }
  return name.substr(0, file) + result;
}

// The tensors of several files under one naming: NAME where only one file has it, FILE:NAME always; both also without
// what wrappers put into them, where that is no other's name.
class Tensors {
 public:
  explicit Tensors(const std::vector<StateDictReader>& files) : files_(files) {
    for (const StateDictReader& file : files) {
      paths_ += (paths_.empty() ? "" : ", ") + file.path();
      for (const auto& [name, tensor] : file.tensors()) {
        const std::string whole_name = file.file_name() + ":" + name;
        if (!found_.emplace(whole_name, std::make_pair(&file, name)).second) {
          throw FileError(paths_, "two files with the same name both hold \"", name, "\"; rename one of them.");
        }
        const bool alone = std::count_if(files.begin(), files.end(), [&n = name](const StateDictReader& other) {
                             return other.tensors().count(n) != 0;
                           }) == 1;
        if (alone) found_[name] = {&file, name};
      }
    }
    std::map<std::string, int> times;
    for (const auto& [name, tensor] : found_) ++times[unwrapped(name)];
    for (const auto& [name, tensor] : std::map(found_)) {
      if (times[unwrapped(name)] == 1) found_.emplace(unwrapped(name), tensor);
    }
  }

  bool has(const std::string& name) const { return found_.count(name) != 0; }
  /// The file that has it, and its name there: what two names of one tensor have in common.
  std::pair<const StateDictReader*, std::string> place(const std::string& name) const { return found_.at(name); }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : found_) names.push_back(name);
    return names;
  }
  const Shape& shape(const std::string& name) const {
    const auto& [file, inner] = found_.at(name);
    return file->tensors().at(inner).shape;
  }
  StoredTensor read(const std::string& name) const {
    const auto& [file, inner] = found_.at(name);
    return file->read(inner);
  }
  template <class... What>
  [[noreturn]] void fail(const What&... what) const {
    throw FileError(paths_, text_of(what...));
  }

  /// What the files hold, for messages.
  std::string list() const {
    constexpr size_t kShown = 12;
    std::string text;
    size_t count = 0;
    for (const StateDictReader& file : files_) {
      for (const auto& [name, tensor] : file.tensors()) {
        if (ends_with(name, "num_batches_tracked") || name.find(".state.") != std::string::npos) continue;
        if (count++ >= kShown) continue;
        text += (text.empty() ? "" : ", ") + (files_.size() > 1 ? file.file_name() + ":" : "") + name + " " +
                shape_text(tensor.shape);
      }
    }
    if (count > kShown) text += text_of(" and ", count - kShown, " more");
    return text.empty() ? "no tensors" : text;
  }

 private:
  const std::vector<StateDictReader>& files_;
  std::string paths_;
  std::map<std::string, std::pair<const StateDictReader*, std::string>> found_;
};

// @param missing  their names by ours
void refuse_missing(const Tensors& tensors, const std::map<std::string, std::string>& missing) {
  if (missing.empty()) return;
  const auto& [ours, theirs] = *missing.begin();
  const bool statistics = std::all_of(missing.begin(), missing.end(),
                                      [](const auto& m) { return is_statistic(m.first.substr(0, m.first.find(' '))); });
  tensors.fail("lacks tensor \"", theirs, "\" for ", ours,
               missing.size() > 1 ? text_of(" and ", missing.size() - 1, " others of the model") : "",
               "; --mapping gives the names in the file",
               statistics ? ", or --statistics-from infers the statistics" : "", "; found: ", tensors.list(), ".");
}

// Where a tensor of the model comes from: its parts in the files.
struct Origin {
  Normalization normalization = Normalization::kNone;
  std::vector<std::string> parts;  ///< of normalized_weight(); empty: it is not there
};

bool is_transposed(const std::string& ours, const Shape& shape) { return is_generators(ours) && shape.size() == 4; }

// @param name  as mapped; it may be that of a part of a normalization
Origin origin_of(const Tensors& tensors, const std::string& name) {
  for (const models::StoredForm& form : models::stored_forms()) {
    const std::string weight = form.weight;
    // By the name of the layer's weight, or by that of the part itself.
    for (const std::string& end : {std::string("weight"), weight}) {
      if (name != end && !ends_with(name, "." + end) && !ends_with(name, ":" + end)) continue;
      const std::string layer = name.substr(0, name.size() - end.size());
      Origin origin{form.normalization, {layer + weight}};
      for (const char* other : form.others) origin.parts.push_back(layer + other);
      if (std::all_of(origin.parts.begin(), origin.parts.end(), [&](const auto& part) { return tensors.has(part); })) {
        return origin;
      }
    }
  }
  if (tensors.has(name)) return {Normalization::kNone, {name}};
  return {};
}

// What a weight is made of that a form lacks; a weight taken without it would be that of another network.
void refuse_half_a_norm(const Tensors& tensors, const std::string& name) {
  for (const models::StoredForm& form : models::stored_forms()) {
    if (form.normalization == Normalization::kNone || !ends_with(name, form.weight)) continue;
    const std::string layer = name.substr(0, name.size() - std::string(form.weight).size());
    for (const char* other : form.others) {
      if (tensors.has(layer + other) || std::string(form.weight) == "weight_v") continue;
      tensors.fail("its tensor \"", name, "\" belongs to a normalised weight, whose other part \"", layer, other,
                   "\" is missing; save the network's whole state_dict().");
    }
  }
}

// Parts of a weight's parametrizations beside those that are applied: what computes is another weight.
void refuse_more_than_a_norm(const Tensors& tensors, const Origin& origin) {
  const std::string& name = origin.parts.front();
  const std::string parametrizations = "parametrizations.weight.";
  const size_t begin = name.rfind(parametrizations);
  if (begin == std::string::npos) return;
  const std::string start = name.substr(0, begin + parametrizations.size());
  for (const std::string& other : tensors.names()) {
    if (other.rfind(start, 0) != 0 || std::count(origin.parts.begin(), origin.parts.end(), other) != 0) continue;
    tensors.fail("its tensor \"", other, "\" is of a parametrization that is not read; in PyTorch, ",
                 "torch.nn.utils.parametrize.remove_parametrizations(layer, \"weight\") makes one weight of all.");
  }
}

// "main.0" of "main.0.weight", "main.0.weight_orig" and "main.0.parametrizations.weight.original".
std::string layer_of(const std::string& name) {
  const size_t end = name.find(".parametrizations.");
  return name.substr(0, end == std::string::npos ? name.rfind(".weight") : end);
}

// [O, I, k, k] as the [I, O, k, k] of the transposed convolution that does the same: kernels turned by half a turn.
std::vector<float> turned_kernels(const std::vector<float>& values, const Shape& shape) {
  const int64_t outputs = shape[0], inputs = shape[1], kernel = shape[2] * shape[3];
  std::vector<float> turned(values.size());
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t i = 0; i < inputs; ++i) {
      const auto from = values.begin() + (o * inputs + i) * kernel;
      std::reverse_copy(from, from + kernel, turned.begin() + (i * outputs + o) * kernel);
    }
  }
  return turned;
}

using Shapes = std::map<std::string, Shape>;  // by our name

Shape shape_in(const Tensors& tensors, const std::string& ours, const std::string& theirs) {
  Shape found = tensors.shape(theirs);
  const bool head_as_convolution = ours == "discriminator.head.weight" && found.size() == 4 && found[0] == 1;
  return head_as_convolution ? Shape{1, product(found)} : found;
}

// What stands before all of these names in the files, a dictionary's key for example: "netD." or "model.pt:netD.".
// @param wanted  our name and theirs
// @return empty where no prefix gives all of them
std::string prefix_of(const Tensors& tensors, const std::map<std::string, std::string>& wanted, const Shapes& shapes) {
  if (wanted.empty()) return "";
  const auto fits = [&](const std::string& prefix) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& name) {
      const Origin origin = origin_of(tensors, prefix + name.second);
      return !origin.parts.empty() && shape_in(tensors, name.first, origin.parts.front()) == shapes.at(name.first);
    });
  };
  std::map<std::pair<const StateDictReader*, std::string>, std::string> found;  // by what is the first tensor then
  std::set<std::string> tried;
  const std::string& first = wanted.begin()->second;
  for (const std::string& name : tensors.names()) {
    for (const models::StoredForm& form : models::stored_forms()) {
      std::string end = first;
      if (ends_with(first, "weight")) end = first.substr(0, first.size() - 6) + form.weight;
      if (!ends_with(name, "." + end) && !ends_with(name, ":" + end)) continue;
      const std::string prefix = unwrapped(name.substr(0, name.size() - end.size()) + "x");
      const std::string start = prefix.substr(0, prefix.size() - 1);
      if (!tried.insert(start).second || !fits(start)) continue;
      found.emplace(tensors.place(origin_of(tensors, start + first).parts.front()), start);
    }
  }
  if (found.size() < 2) return found.empty() ? "" : found.begin()->second;
  std::string list;
  for (const auto& [place, prefix] : found) list += (list.empty() ? "\"" : ", \"") + prefix + "\"";
  tensors.fail("holds the tensors of the network several times, below ", list,
               "; --prefix names the one that is meant.");
}

}  // namespace

ModelFile model_from_state_dicts(const std::vector<StateDictReader>& files, const StateDictOptions& options) {
  check(options.architecture);
  require_option(options.epsilon >= 0 && options.epsilon <= 1, "batch-norm-epsilon", options.epsilon, "from 0 to 1");
  const Tensors tensors(files);
  ModelFile model;
  model.architecture = options.architecture;
  model.convolutions = static_cast<int64_t>(discriminator_convolutions(options.architecture).size());
  model.has_generator = options.architecture.has_generator();
  const auto shapes = models::expected_shapes(model);
  for (const auto& [name, their_name] : options.mapping) {
    if (shapes.count(name) == 0) {
      throw OptionError("the mapping names \"", name.substr(0, 80),
                        "\", which this architecture does not have; expected names such as ", shapes.begin()->first,
                        ", ", shapes.rbegin()->first, ".");
    }
  }
  std::map<std::string, std::string> names;  // theirs by ours, of what is needed
  std::map<std::string, std::string> missing;
  for (const bool generators : {false, true}) {
    std::map<std::string, std::string> wanted;
    bool mapped = false, there = false;
    for (const auto& [name, shape] : shapes) {
      if (is_generators(name) != generators || (options.without_statistics && is_statistic(name))) continue;
      const auto mapping = options.mapping.find(name);
      std::string theirs = mapping == options.mapping.end() ? name : mapping->second;
      wanted[name] = theirs.insert(theirs.find(':') + 1, options.prefix);
      mapped |= mapping != options.mapping.end();
      there |= !origin_of(tensors, wanted[name]).parts.empty();
    }
    const bool all_there = std::all_of(
        wanted.begin(), wanted.end(), [&](const auto& name) { return !origin_of(tensors, name.second).parts.empty(); });
    const std::string prefix = all_there ? "" : prefix_of(tensors, wanted, shapes);
    if (generators) model.has_generator = mapped || there || !prefix.empty();
    if (generators && !model.has_generator) continue;
    for (const auto& [ours, theirs] : wanted) {
      names[ours] = prefix + theirs;
      if (origin_of(tensors, names[ours]).parts.empty())
        missing[ours + " " + shape_text(shapes.at(ours))] = names[ours];
    }
  }
  refuse_missing(tensors, missing);
  std::map<std::string, int> normalized;  // weights by normalization
  for (const auto& [name, shape] : shapes) {
    if (is_generators(name) && !model.has_generator) continue;
    if (is_statistic(name) && options.without_statistics) {
      const float value = ends_with(name, "var") ? 1 : 0;
      model.tensors[name] = make_tensor(shape, std::vector<float>(product(shape), value));
      continue;
    }
    const Origin origin = origin_of(tensors, names[name]);
    const std::string& their_name = origin.parts.front();
    const Shape& found = tensors.shape(their_name);
    const bool turned = options.turned.count(name) != 0 && found.size() == 4;
    const Shape as_ours = turned ? Shape{found[1], found[0], found[2], found[3]} : shape_in(tensors, name, their_name);
    if (as_ours != shape) {
      const bool even = found.size() == 4 && found[2] % 2 == 0 && shape.size() == 4 && shape[2] % 2 == 1;
      tensors.fail("its tensor \"" + their_name + "\" has the shape " + shape_text(found) + "; for " + name +
                   " the architecture asks for " + shape_text(shape) +
                   (even ? ": kernels of an even size, as in PyTorch's DCGAN example, are a list's: without --mapping "
                           "and the options of an architecture it is found."
                         : ": are its options those of the network?"));
    }
    refuse_half_a_norm(tensors, their_name);
    refuse_more_than_a_norm(tensors, origin);
    const std::string bias = layer_of(names[name]) + ".bias";
    const std::string our_bias = name.substr(0, name.rfind('.')) + ".bias";
    if (ends_with(name, ".weight") && shapes.count(our_bias) == 0 && tensors.has(bias)) {
      tensors.fail("its tensor \"", bias, "\" is the bias of a layer that has none in a DCGAN (", name,
                   "); train the network with bias=False.");
    }
    std::vector<models::Values> parts;
    for (const std::string& part : origin.parts) {
      const StoredTensor tensor = tensors.read(part);
      if (tensor.dtype != DType::kFloat32 && tensor.dtype != DType::kFloat16) {
        tensors.fail("its tensor \"", part, "\" holds integers; expected floats for ", name, ".");
      }
      parts.push_back({tensor.shape, tensor.to_floats()});
    }
    std::vector<float> values;
    try {
      values = models::normalized_weight(origin.normalization, parts, is_transposed(name, shape) && !turned);
      if (turned) values = turned_kernels(values, found);
    } catch (const Error& error) {
      tensors.fail("its tensor \"", their_name, "\": ", error.what());
    }
    if (origin.normalization != Normalization::kNone) {
      ++normalized[origin.normalization == Normalization::kSpectral ? "spectral norm" : "weight norm"];
    }
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
      tensors.fail("its tensor \"" + their_name +
                   "\" holds values that are no numbers, or infinite: its training failed.");
    }
    if (ends_with(name, ".running_var") && !options.architecture.is_list()) {
      for (float& value : values) value = static_cast<float>(value + (options.epsilon - kBatchNormEpsilon));
    }
    model.tensors[name] = make_tensor(shape, values);
  }
  std::string sources;
  for (const StateDictReader& file : files) sources += (sources.empty() ? "" : ", ") + file.file_name();
  nlohmann::ordered_json training = {{"source", "state_dict of " + sources}};
  for (const auto& [normalization, weights] : normalized) training["applied"][normalization] = weights;
  model.training = training.dump();
  model.statistics = options.without_statistics
                         ? R"({"source":"none: mean 0, variance 1"})"
                         : nlohmann::ordered_json({{"source", "running averages of " + sources}}).dump();
  return model;
}

}  // namespace dcgan
