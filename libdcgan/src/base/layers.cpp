#include "dcgan/layers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>
#include <system_error>
#include <utility>

#include "dcgan/errors.h"

namespace dcgan {
namespace {

constexpr int64_t kSamePadding = -1;  // of a convolution, until its map's size is known
constexpr int64_t kMostChannels = 65536;
constexpr int64_t kMostKernel = 64;
constexpr int64_t kMostSize = 4096;
constexpr size_t kMostSteps = 1000;

/// A step of a list: its words, and where it stands.
struct Step {
  size_t number;
  std::string text;
  std::vector<std::string> words;

  template <class... What>
  [[noreturn]] void fail(const What&... what) const {
    throw Error("step ", number, " of the list, \"", text, "\", ", what..., ".");
  }
  const std::string& name() const { return words.front(); }
  void takes_words(size_t least, size_t most, const char* form) const {
    if (words.size() <= least || words.size() > most + 1) fail("is not of the form ", form);
  }
  int64_t integer(const std::string& word, int64_t least, int64_t most) const {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value < least || value > most) {
      fail("has \"", word, "\"; expected a whole number from ", least, " to ", most);
    }
    return value;
  }
  double number_of(size_t word, double least, double most) const {
    double value = 0;
    const std::string& t = words[word];
    const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), value);
    if (error != std::errc() || end != t.data() + t.size() || !(value >= least && value <= most)) {
      fail("has \"", t, "\"; expected a number from ", number_text(least), " to ", number_text(most));
    }
    return value;
  }
  static std::string number_text(double value) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? std::string(text.data(), end) : "?";
  }
};

std::vector<Step> steps_in(const std::string& text) {
  std::vector<Step> steps;
  std::string all = text;
  std::replace(all.begin(), all.end(), '\n', ';');
  std::istringstream parts(all);
  for (std::string part; std::getline(parts, part, ';');) {
    std::istringstream words(part);
    Step step{steps.size() + 1, "", {}};
    for (std::string word; words >> word;) {
      step.text += (step.text.empty() ? "" : " ") + word;
      step.words.push_back(word);
    }
    if (!step.words.empty()) steps.push_back(std::move(step));
    if (steps.size() > kMostSteps) throw Error("the list has more than ", kMostSteps, " steps.");
  }
  if (steps.empty()) throw Error("the list of layers is empty; expected such as \"conv 4 2 1 to 64; lrelu 0.2; ...\".");
  return steps;
}

// "to N" and "bias", in any order, from word `first` on. @return N as text, empty where it is not said
std::string channels_and_bias(const Step& step, size_t first, bool& bias) {
  std::string channels;
  for (size_t i = first; i < step.words.size(); ++i) {
    if (step.words[i] == "bias" && !bias) {
      bias = true;
    } else if (step.words[i] == "to" && i + 1 < step.words.size() && channels.empty()) {
      channels = step.words[++i];
    } else {
      step.fail("has \"", step.words[i], "\", where \"to CHANNELS\" and \"bias\" may stand, once each");
    }
  }
  return channels;
}

// KERNEL STRIDE PADDING [to CHANNELS] [bias]
ConvolutionShape convolution_of(const Step& step, bool transposed) {
  if (step.words.size() < 4)
    step.fail("is not of the form ", step.name(), " KERNEL STRIDE PADDING [to CHANNELS] [bias]");
  ConvolutionShape c;
  c.kernel = step.integer(step.words[1], 1, kMostKernel);
  c.stride = step.integer(step.words[2], 1, kMostKernel);
  const std::string& padding = step.words[3];
  const size_t plus = padding.find('+');
  if (padding == "same") {
    if (transposed && c.kernel < c.stride) step.fail("has a kernel smaller than its stride: \"same\" has no meaning");
    c.pad_before = transposed ? (c.kernel - c.stride) / 2 : kSamePadding;
    c.pad_after = transposed ? c.kernel - c.stride - c.pad_before : kSamePadding;
  } else {
    c.pad_before = step.integer(padding.substr(0, plus), 0, c.kernel - 1);
    c.pad_after = plus == std::string::npos ? c.pad_before : step.integer(padding.substr(plus + 1), 0, c.kernel - 1);
  }
  const std::string channels = channels_and_bias(step, 4, c.bias);
  if (!channels.empty()) c.out_channels = step.integer(channels, 1, kMostChannels);
  return c;
}

/// The layer that norms and activations belong to, and what it has of them.
struct Current {
  LayerEnd* layer = nullptr;
  bool activated = false;

  // @return whether the step is one of these
  bool take(const Step& step, size_t norm_words = 1) {
    const std::string& name = step.name();
    if (name == "bn") {
      require(step);
      if (layer->batch_norm) step.fail("is the second batch norm of one layer");
      step.takes_words(norm_words - 1, norm_words + 1, "bn [EPSILON [MOMENTUM]]");
      layer->batch_norm = true;
      layer->norm_last = activated;
      if (step.words.size() > norm_words) layer->epsilon = step.number_of(norm_words, 0, 10);
      if (step.words.size() > norm_words + 1) layer->momentum = step.number_of(norm_words + 1, 0, 1);
      return true;
    }
    if (name != "lrelu" && name != "relu") return false;
    require(step);
    if (activated) step.fail("is the second activation of one layer");
    if (name == "lrelu") step.takes_words(1, 1, "lrelu SLOPE; PyTorch's DCGAN has 0.2, Keras' LeakyReLU() 0.3");
    if (name == "relu") step.takes_words(0, 0, "relu");
    layer->slope = name == "relu" ? 0 : step.number_of(1, 0, 1);
    activated = true;
    return true;
  }

 private:
  void require(const Step& step) const {
    if (layer == nullptr) step.fail("stands before any layer that it may belong to");
  }
};

[[noreturn]] void fail_unknown(const Step& step, const char* known) {
  step.fail("is no step that this program has; there are ", known,
            ". Networks with shortcuts, attention or other norms are none of these lists");
}

std::string ordinal(const char* what, size_t i) { return text_of(what, " ", i + 1); }

void require_plain(const LayerEnd& end, const char* what) {
  if (end.batch_norm) throw Error(what, " has batch norm; expected none: it is no layer with features.");
  if (end.slope != 1) throw Error(what, " has an activation; expected at most a sigmoid.");
}

}  // namespace

DiscriminatorLayers parse_discriminator(const std::string& text) {
  constexpr const char* kKnown =
      "conv, bn, lrelu, relu, maxpool, mean, flatten, dense, dropout and sigmoid for a discriminator";
  DiscriminatorLayers layers;
  std::vector<DenseShape> dense;
  dense.reserve(3);
  const std::vector<Step> steps = steps_in(text);
  layers.convolutions.reserve(steps.size());  // `current` points into it
  Current current;
  bool flat = false;
  for (const Step& step : steps) {
    const std::string& name = step.name();
    if (current.take(step)) continue;
    if (name == "conv") {
      if (flat) step.fail("follows what flattens the maps");
      layers.convolutions.push_back(convolution_of(step, false));
      current = {&layers.convolutions.back()};
    } else if (name == "maxpool") {
      step.takes_words(1, 1, "maxpool 2");
      if (flat || layers.convolutions.empty()) step.fail("follows no convolution");
      if (layers.convolutions.back().resize != 1) step.fail("is the second pooling of one layer");
      layers.convolutions.back().resize = step.integer(step.words[1], 2, 2);
      current = {};  // a norm of the pooled maps would be another one
    } else if (name == "mean" || name == "flatten") {
      step.takes_words(0, 0, "mean, or flatten");
      if (flat || layers.convolutions.empty()) step.fail("follows no convolution");
      layers.average_pool = name == "mean";
      flat = true;
    } else if (name == "dense") {
      flat = true;
      if (dense.size() == 2) step.fail("is the third dense layer; expected at most one before the logit's");
      DenseShape shape;
      const std::string units = channels_and_bias(step, 1, shape.bias);
      if (!units.empty()) shape.outputs = step.integer(units, 1, kMostChannels);
      dense.push_back(shape);
      current = {&dense.back()};
    } else if (name == "dropout" || name == "sigmoid") {
      if (name == "sigmoid" && &step != &steps.back()) step.fail("is not at the end, where a sigmoid is nothing");
    } else {
      fail_unknown(step, kKnown);
    }
  }
  if (dense.empty()) {
    if (layers.convolutions.size() < 2 || flat) {
      throw Error(
          "the list has no layer that makes the logit; expected \"dense to 1\", or a convolution over the last ",
          "maps behind the others.");
    }
    const ConvolutionShape head = layers.convolutions.back();
    layers.convolutions.pop_back();
    require_plain(head, "the last convolution, which makes the logit,");
    if (head.pad_before != 0 || head.pad_after != 0 || head.out_channels > 1) {
      throw Error(
          "the last convolution makes no logit; expected one over the whole of its maps, as \"conv 4 1 0\" is, ",
          "or \"dense to 1\" behind it.");
    }
    DenseShape shape;
    shape.bias = head.bias;
    shape.outputs = 1;
    shape.inputs = -head.kernel;  // complete() compares it with the maps
    layers.head = shape;
    return layers;
  }
  if (layers.convolutions.empty()) throw Error("the list has no convolution.");
  require_plain(dense.back(), "the last dense layer, which makes the logit,");
  if (dense.back().outputs > 1) throw Error("the last dense layer has ", dense.back().outputs, " outputs; expected 1.");
  layers.head = dense.back();
  layers.head.outputs = 1;
  if (dense.size() > 1) layers.hidden = dense.front();
  return layers;
}

GeneratorLayers parse_generator(const std::string& text) {
  constexpr const char* kKnown = "dense, deconv, bn, lrelu, relu, upsample, dropout, tanh and sigmoid for a generator";
  GeneratorLayers layers;
  const std::vector<Step> steps = steps_in(text);
  layers.convolutions.reserve(steps.size());
  Current current;
  bool projected = false;
  std::optional<DenseShape> dense;
  int64_t resize = 1;
  for (const Step& step : steps) {
    const std::string& name = step.name();
    const bool last = &step == &steps.back();
    if (name == "bn" && step.words.size() > 1 && step.words[1] == "units") {
      if (current.layer != &layers.project || layers.project.transposed) {
        step.fail("stands behind no dense layer that makes maps, whose units have norms of their own");
      }
      current.take(step, 2);
      layers.project.norm_per_unit = true;
    } else if (current.take(step)) {
      continue;
    } else if (name == "dense") {
      if (projected) step.fail("follows what makes maps of the noise");
      bool bias = false;
      const std::string units = channels_and_bias(step, 1, bias);
      const size_t first = units.find('x'), second = units.find('x', first + 1);
      if (first == std::string::npos) {
        if (layers.hidden) step.fail("is the second hidden dense layer; expected \"dense to CxHxH\"");
        layers.hidden.emplace();
        layers.hidden->bias = bias;
        layers.hidden->outputs = step.integer(units, 1, kMostChannels);
        current = {&*layers.hidden};
        continue;
      }
      if (second == std::string::npos || units.substr(first + 1, second - first - 1) != units.substr(second + 1)) {
        step.fail("has \"", units, "\"; expected maps as 512x4x4");
      }
      projected = true;
      layers.project.bias = bias;
      layers.project.channels = step.integer(units.substr(0, first), 1, kMostChannels);
      layers.project.size = step.integer(units.substr(second + 1), 1, kMostSize);
      current = {&layers.project};
    } else if (name == "deconv" && !projected) {
      const ConvolutionShape c = convolution_of(step, true);
      if (c.pad_before != 0 || c.pad_after != 0 || layers.hidden) {
        step.fail("makes the first maps; expected \"deconv K 1 0\" from the noise, or a dense layer before it");
      }
      projected = true;
      layers.project.transposed = true;
      layers.project.bias = c.bias;
      layers.project.channels = c.out_channels;
      layers.project.size = c.kernel;
      current = {&layers.project};
    } else if (name == "upsample") {
      step.takes_words(1, 1, "upsample 2");
      if (!projected || resize != 1) step.fail("stands where no maps are to be doubled");
      resize = step.integer(step.words[1], 2, 2);
    } else if (name == "deconv") {
      layers.convolutions.push_back(convolution_of(step, true));
      layers.convolutions.back().resize = std::exchange(resize, 1);
      current = {&layers.convolutions.back()};
    } else if (name == "tanh" || name == "sigmoid") {
      if (!last) step.fail("is not at the end");
      layers.sigmoid = name == "sigmoid";
    } else if (name != "dropout") {
      fail_unknown(step, kKnown);
    }
  }
  if (layers.convolutions.empty() || resize != 1) {
    throw Error("the generator's list does not end in a deconv that makes the image.");
  }
  require_plain(layers.convolutions.back(), "the last deconv, which makes the image,");
  return layers;
}

namespace {

void add_end(std::vector<std::string>& steps, const LayerEnd& end, const char* norm = "bn") {
  std::string bn = std::string(norm) + " " + Step::number_text(end.epsilon);
  if (end.momentum != kUsualMomentum) bn += " " + Step::number_text(end.momentum);
  if (end.batch_norm && !end.norm_last) steps.push_back(bn);
  if (end.slope == 0) steps.push_back("relu");
  if (end.slope != 0 && end.slope != 1) steps.push_back("lrelu " + Step::number_text(end.slope));
  if (end.batch_norm && end.norm_last) steps.push_back(bn);
}

std::string step_of(const char* name, const ConvolutionShape& c) {
  std::string text = text_of(name, " ", c.kernel, " ", c.stride, " ", c.pad_before);
  if (c.pad_after != c.pad_before) text += text_of("+", c.pad_after);
  return text + text_of(" to ", c.out_channels, c.bias ? " bias" : "");
}

std::string step_of(const DenseShape& d) { return text_of("dense to ", d.outputs, d.bias ? " bias" : ""); }

}  // namespace

std::vector<std::string> steps_of(const DiscriminatorLayers& layers) {
  std::vector<std::string> steps;
  for (const ConvolutionShape& c : layers.convolutions) {
    steps.push_back(step_of("conv", c));
    add_end(steps, c);
    if (c.resize > 1) steps.push_back(text_of("maxpool ", c.resize));
  }
  if (layers.average_pool) steps.emplace_back("mean");
  if (layers.hidden) {
    steps.push_back(step_of(*layers.hidden));
    add_end(steps, *layers.hidden);
  }
  steps.push_back(step_of(layers.head));
  return steps;
}

std::vector<std::string> steps_of(const GeneratorLayers& layers) {
  std::vector<std::string> steps;
  if (layers.hidden) {
    steps.push_back(step_of(*layers.hidden));
    add_end(steps, *layers.hidden);
  }
  const ProjectionShape& p = layers.project;
  const std::string maps = p.transposed ? text_of("deconv ", p.size, " 1 0 to ", p.channels)
                                        : text_of("dense to ", p.channels, "x", p.size, "x", p.size);
  steps.push_back(maps + (p.bias ? " bias" : ""));
  add_end(steps, p, p.norm_per_unit ? "bn units" : "bn");
  for (const ConvolutionShape& c : layers.convolutions) {
    if (c.resize > 1) steps.push_back(text_of("upsample ", c.resize));
    steps.push_back(step_of("deconv", c));
    add_end(steps, c);
  }
  steps.emplace_back(layers.sigmoid ? "sigmoid" : "tanh");
  return steps;
}

std::string joined_steps(const std::vector<std::string>& steps) {
  std::string text;
  for (const std::string& step : steps) text += (text.empty() ? "" : "; ") + step;
  return text;
}

void complete(DiscriminatorLayers& layers, const MapsBelow& input) {
  MapsBelow below = input;
  for (size_t i = 0; i < layers.convolutions.size(); ++i) {
    ConvolutionShape& c = layers.convolutions[i];
    const std::string name = ordinal("convolution", i);
    if (c.out_channels < 1) throw Error(name, " has no number of channels; say it: \"conv 4 2 1 to 64\".");
    c.in_channels = below.channels;
    c.size_in = below.size;
    if (c.pad_before == kSamePadding) {
      const int64_t total =
          std::max<int64_t>(0, ((c.size_in + c.stride - 1) / c.stride - 1) * c.stride + c.kernel - c.size_in);
      c.pad_before = total / 2;
      c.pad_after = total - total / 2;
    }
    const int64_t room = c.size_in + c.pad_before + c.pad_after - c.kernel;
    if (room < 0) {
      throw Error(name, " has kernels of ", c.kernel, " pixels, for maps of ", c.size_in, " with ",
                  c.pad_before + c.pad_after, " of padding; is the image size right, or a layer too many?");
    }
    if (room % c.stride > c.pad_after) {
      throw Error(name, " does not come out whole: of its maps of ", c.size_in, " pixels the last ",
                  room % c.stride - c.pad_after, " would be seen by no kernel of ", c.kernel, ", stride ", c.stride,
                  ", padding ", c.pad_before, "; is the image size right?");
    }
    c.size_out = room / c.stride + 1;
    if (c.size_out % c.resize != 0) {
      throw Error(name, " has maps of ", c.size_out, " pixels, which 2x2 max-pooling does not divide.");
    }
    c.size_out /= c.resize;
    below = {c.out_channels, c.size_out};
  }
  int64_t inputs = below.channels * (layers.average_pool ? 1 : below.size * below.size);
  if (layers.hidden) {
    if (layers.hidden->outputs < 1)
      throw Error("the hidden dense layer has no number of units; say it: \"dense to 1024\".");
    layers.hidden->inputs = inputs;
    inputs = layers.hidden->outputs;
  }
  const int64_t kernel = -layers.head.inputs;
  if (kernel > 0 && kernel != below.size) {
    throw Error("the last convolution, which makes the logit, has kernels of ", kernel, " pixels; the maps below it ",
                "have ", below.size, ", and it must see the whole of them: is the image size right?");
  }
  layers.head.inputs = inputs;
}

void complete(GeneratorLayers& layers, int64_t nz, const MapsBelow& image) {
  if (layers.hidden) layers.hidden->inputs = nz;
  if (layers.project.channels < 1) throw Error("the generator's first layer has no number of channels; say it.");
  MapsBelow below = {layers.project.channels, layers.project.size};
  for (size_t i = 0; i < layers.convolutions.size(); ++i) {
    ConvolutionShape& c = layers.convolutions[i];
    const std::string name = ordinal("deconv", i);
    if (c.out_channels < 1) throw Error(name, " has no number of channels; say it: \"deconv 4 2 1 to 64\".");
    c.in_channels = below.channels;
    c.size_in = below.size;
    c.size_out = (c.size_in * c.resize - 1) * c.stride + c.kernel - c.pad_before - c.pad_after;
    if (c.size_out < 1 || c.size_out > kMostSize) throw Error(name, " makes maps of ", c.size_out, " pixels.");
    below = {c.out_channels, c.size_out};
  }
  if (below.channels != image.channels || below.size != image.size) {
    throw Error("the generator makes images of ", below.channels, "x", below.size, "x", below.size, "; expected ",
                image.channels, "x", image.size, "x", image.size, ", which the discriminator takes.");
  }
}

}  // namespace dcgan
