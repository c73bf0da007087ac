#include "features/onnx_export.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/protobuf.h"
#include "dcgan/errors.h"
#include "dcgan/version.h"
#include "features/pixel_input.h"

namespace dcgan::features {
namespace {

// The fields of github.com/onnx/onnx, onnx/onnx.proto, that are written here.
namespace field {
enum Model { kIrVersion = 1, kProducer = 2, kProducerVersion = 3, kGraph = 7, kOpset = 8, kMetadata = 14 };
enum Opset { kOpsetVersion = 2 };
enum Graph { kNode = 1, kGraphName = 2, kInitializer = 5, kGraphInput = 11, kGraphOutput = 12 };
enum Node { kInput = 1, kOutput = 2, kNodeName = 3, kOperator = 4, kAttribute = 5 };
enum Attribute { kAttributeName = 1, kFloat = 2, kInt = 3, kInts = 8, kAttributeType = 20 };
enum Tensor { kDims = 1, kDataType = 2, kTensorName = 8, kRaw = 9 };
enum Value { kValueName = 1, kType = 2 };
}  // namespace field

constexpr int64_t kTypeFloat = 1, kTypeUint8 = 2, kTypeInt64 = 7;  // TensorProto.DataType
constexpr int64_t kIsFloat = 1, kIsInt = 2, kIsInts = 7;           // AttributeProto.AttributeType
constexpr int64_t kIrVersionOfOpset17 = 8, kOpset17 = 17;
constexpr size_t kMostBytes = size_t{1} << 31;  // of a protocol buffer

using Message = base::ProtobufMessage;

Message attribute(const std::string& name, int64_t value) {
  return Message().add(field::kAttributeName, name).add(field::kInt, value).add(field::kAttributeType, kIsInt);
}

Message attribute(const std::string& name, float value) {
  return Message().add(field::kAttributeName, name).add(field::kFloat, value).add(field::kAttributeType, kIsFloat);
}

Message attribute(const std::string& name, const std::vector<int64_t>& values) {
  Message message;
  message.add(field::kAttributeName, name);
  for (const int64_t value : values) message.add(field::kInts, value);
  return message.add(field::kAttributeType, kIsInts);
}

// A dimension of -1 is the number of images.
Message value_info(const std::string& name, int64_t type, const std::vector<int64_t>& shape) {
  Message dims;
  for (const int64_t size : shape) dims.add(1, size < 0 ? Message().add(2, std::string("N")) : Message().add(1, size));
  const Message tensor = Message().add(1, type).add(2, dims);
  return Message().add(field::kValueName, name).add(field::kType, Message().add(1, tensor));
}

class Graph {
 public:
  using Names = std::vector<std::string>;

  /// @return the name of the node's only output
  std::string node(const std::string& op, const Names& inputs, const std::string& output,
                   const std::vector<Message>& attributes = {}) {
    Message message;
    for (const std::string& input : inputs) message.add(field::kInput, input);
    message.add(field::kOutput, output).add(field::kNodeName, output).add(field::kOperator, op);
    for (const Message& one : attributes) message.add(field::kAttribute, one);
    graph_.add(field::kNode, message);
    return output;
  }

  /// @param values  float, or int64_t for indices
  template <class T>
  std::string constant(const std::string& name, const std::vector<int64_t>& shape, const std::vector<T>& values) {
    bytes_ += values.size() * sizeof(T);
    if (bytes_ >= kMostBytes) throw Error("the network's weights are larger than the 2 GiB of an ONNX file.");
    std::string raw(values.size() * sizeof(T), '\0');
    std::memcpy(raw.data(), values.data(), raw.size());
    Message message;
    for (const int64_t size : shape) message.add(field::kDims, size);
    message.add(field::kDataType, std::is_same_v<T, float> ? kTypeFloat : kTypeInt64)
        .add(field::kTensorName, name)
        .add(field::kRaw, raw);
    graph_.add(field::kInitializer, message);
    return name;
  }

  Message& message() { return graph_; }

 private:
  Message graph_;
  size_t bytes_ = 0;
};

std::string max_pooled(Graph& graph, const std::string& maps, int64_t side, const std::string& name) {
  if (side == 1) return maps;
  return graph.node("MaxPool", {maps}, name,
                    {attribute("kernel_shape", {side, side}), attribute("strides", {side, side})});
}

// PyTorch's adaptive max-pooling, which ONNX does not have: cell i is the maximum from floor(i side / grid) to before
// ceil((i + 1) side / grid), gathered with its last index again where cells are smaller than the largest.
std::string grid_pooled(Graph& graph, const FoldedConvolution& c, int64_t grid, const std::string& number) {
  std::string maps = "maps" + number;
  const int64_t side = c.size_out;
  if (side % grid == 0) return max_pooled(graph, maps, side / grid, "pooled" + number);
  const auto first = [&](int64_t i) { return i * side / grid; };
  const auto last = [&](int64_t i) { return ((i + 1) * side + grid - 1) / grid - 1; };
  int64_t width = 0;
  for (int64_t i = 0; i < grid; ++i) width = std::max(width, last(i) - first(i) + 1);
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < grid; ++i) {
    for (int64_t k = 0; k < width; ++k) indices.push_back(std::min(first(i) + k, last(i)));
  }
  const std::string cells = graph.constant("cells" + number, {grid, width}, indices);
  for (const int64_t axis : {2, 3}) {
    const std::string name = (axis == 2 ? "rows" : "pooled") + number;
    const std::string gathered = graph.node("Gather", {maps, cells}, name + ".cells", {attribute("axis", axis)});
    maps = graph.node("ReduceMax", {gathered}, name,
                      {attribute("axes", std::vector<int64_t>{axis + 1}), attribute("keepdims", int64_t{0})});
  }
  return maps;
}

// What PixelInput does, but for the order of colours: the first convolution's weights are in RGB's (rgb_weights).
std::string network_input(Graph& graph, const InputOptions& input) {
  std::string x = graph.node("Cast", {"pixels"}, "cast", {attribute("to", kTypeFloat)});
  x = graph.node("Transpose", {x}, "planes", {attribute("perm", std::vector<int64_t>{0, 3, 1, 2})});
  if (input.channels == 1) {  // all sums are whole numbers below 2^24, which float32 has
    const std::string weight = graph.constant("luma.weight", {1, 3, 1, 1}, std::vector<float>{19595, 38470, 7471});
    const std::string half = graph.constant("luma.half", {1}, std::vector<float>{0x8000});
    const std::string scale = graph.constant("luma.scale", {}, std::vector<float>{0x1p-16F});
    x = graph.node(
        "Floor", {graph.node("Mul", {graph.node("Conv", {x, weight, half}, "luma.sum"), scale}, "luma.real")}, "luma");
  }
  if (has_published_scale(input)) {
    const std::string half = graph.constant("half_range", {}, std::vector<float>{127.5F});
    const std::string one = graph.constant("one", {}, std::vector<float>{1});
    return graph.node("Sub", {graph.node("Div", {x, half}, "divided"), one}, "images");
  }
  const auto planes = [&](std::vector<double> values, const std::string& name) {
    if (input.order == ChannelOrder::kBgr) std::reverse(values.begin(), values.end());
    const auto count = static_cast<int64_t>(values.size());
    return graph.constant(name, {count, 1, 1}, std::vector<float>(values.begin(), values.end()));
  };
  const std::string range = graph.constant("range", {}, std::vector<float>{255});
  x = graph.node("Sub", {graph.node("Div", {x, range}, "divided"), planes(input.mean, "mean")}, "centred");
  return graph.node("Div", {x, planes(input.deviation, "deviation")}, "images");
}

std::vector<float> rgb_weights(const FoldedConvolution& first, const InputOptions& input) {
  std::vector<float> weights = first.weight;
  if (input.order != ChannelOrder::kBgr) return weights;
  const auto plane = first.kernel * first.kernel;
  for (auto kernel = weights.begin(); kernel != weights.end(); kernel += 3 * plane) {
    std::swap_ranges(kernel, kernel + plane, kernel + 2 * plane);
  }
  return weights;
}

}  // namespace

std::string onnx_model(const OnnxSource& source) {
  Graph graph;
  graph.message().add(field::kGraphName, std::string("dcgan-features"));
  const int64_t size = source.convolutions.front().size_in;
  graph.message().add(field::kGraphInput, value_info("pixels", kTypeUint8, {-1, size, size, 3}));
  const EngineOptions& options = source.options;
  std::string x = network_input(graph, options.input);
  Graph::Names features;
  int64_t columns = 0;
  for (size_t i = 0; i < static_cast<size_t>(options.layers.back()); ++i) {
    const FoldedConvolution& c = source.convolutions[i];
    const std::string number = std::to_string(i + 1);
    const std::string weight =
        graph.constant("conv" + number + ".weight", {c.out_channels, c.in_channels, c.kernel, c.kernel},
                       i == 0 ? rgb_weights(c, options.input) : c.weight);
    const std::string bias = graph.constant("conv" + number + ".bias", {c.out_channels}, c.bias);
    x = graph.node("Conv", {x, weight, bias}, "conv" + number,
                   {attribute("kernel_shape", {c.kernel, c.kernel}), attribute("strides", {c.stride, c.stride}),
                    attribute("pads", {c.pad_before, c.pad_before, c.pad_after, c.pad_after})});
    const std::string active = c.last_scale.empty() ? "maps" + number : "active" + number;
    x = graph.node("LeakyRelu", {x}, active, {attribute("alpha", static_cast<float>(c.slope))});
    if (!c.last_scale.empty()) {
      const std::string scale = graph.constant("scale" + number, {c.out_channels, 1, 1}, c.last_scale);
      const std::string shift = graph.constant("shift" + number, {c.out_channels, 1, 1}, c.last_shift);
      x = graph.node("Add", {graph.node("Mul", {x, scale}, "scaled" + number), shift}, "maps" + number);
    }
    if (std::find(options.layers.begin(), options.layers.end(), static_cast<int64_t>(i + 1)) != options.layers.end()) {
      const std::string pooled = grid_pooled(graph, c, options.grid, number);
      features.push_back(graph.node("Flatten", {pooled}, "features" + number, {attribute("axis", int64_t{1})}));
      columns += c.out_channels * options.grid * options.grid;
    }
    x = max_pooled(graph, x, c.pool, "halved" + number);
  }
  const CompressionMap* compression = source.compression;
  x = graph.node("Concat", features, compression == nullptr ? "features" : "joined", {attribute("axis", int64_t{1})});
  if (compression != nullptr) {
    const std::string weights =
        graph.constant("compression.weights", {compression->dimensions, columns}, compression->weights);
    const std::string offsets = graph.constant("compression.offsets", {compression->dimensions}, compression->offsets);
    graph.node("Gemm", {x, weights, offsets}, "features", {attribute("transB", int64_t{1})});
    columns = compression->dimensions;
  }
  graph.message().add(field::kGraphOutput, value_info("features", kTypeFloat, {-1, columns}));
  Message model;
  model.add(field::kIrVersion, kIrVersionOfOpset17)
      .add(field::kProducer, std::string("libdcgan"))
      .add(field::kProducerVersion, std::string(DCGAN_VERSION))
      .add(field::kGraph, graph.message())
      .add(field::kOpset, Message().add(1, std::string()).add(field::kOpsetVersion, kOpset17));
  for (const auto& [key, value] : source.facts) model.add(field::kMetadata, Message().add(1, key).add(2, value));
  return model.bytes();
}

}  // namespace dcgan::features
