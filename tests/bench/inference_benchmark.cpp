// Images per second of the inference engine.
//
//   inference_benchmark [--benchmark_...]
//       published and narrow networks with random weights, by Google Benchmark
//   inference_benchmark --serve NETWORK IMAGES FEATURES THREADS BATCH
//       for compare_inference.py: one pass over IMAGES for each line of stdin, its seconds on stdout; FEATURES is
//       written when stdin ends. NETWORK: int64 number of layers; for each layer int64 in_channels, out_channels,
//       kernel, stride, size_in, then float32 weights and biases.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "features/inference_engine.h"

namespace dcgan {
namespace {

struct Shape {
  int64_t size, kernel, convolutions_per_scale, width;
};

constexpr Shape kImageNet32 = {32, 3, 2, 128};
constexpr Shape kImageNet32Narrow = {32, 3, 2, 32};
constexpr Shape kSvhn32 = {32, 5, 1, 64};
constexpr Shape kFaces64 = {64, 5, 1, 128};

std::vector<FoldedConvolution> make_network(const Shape& shape) {
  std::mt19937 random(1);
  std::normal_distribution<float> weight(0, 0.02F);  // arXiv:1511.06434, section 4
  std::vector<FoldedConvolution> network;
  int64_t in = 3;
  int64_t width = shape.width;
  for (int64_t size = shape.size; size > 4; size /= 2, width *= 2) {
    for (int64_t i = 1; i <= shape.convolutions_per_scale; ++i) {
      const int64_t stride = i == shape.convolutions_per_scale ? 2 : 1;
      FoldedConvolution c{in, width, shape.kernel, stride, size, size / stride, {}, {}};
      c.weight.resize(static_cast<size_t>(in * width * shape.kernel * shape.kernel));
      c.bias.resize(static_cast<size_t>(width));
      for (float& w : c.weight) w = weight(random);
      network.push_back(c);
      in = width;
    }
  }
  return network;
}

EngineOptions all_layers(const std::vector<FoldedConvolution>& network, int64_t threads, int64_t batch_size) {
  EngineOptions options;
  for (size_t i = 0; i < network.size(); ++i) options.layers.push_back(static_cast<int64_t>(i) + 1);
  options.threads = threads;
  options.batch_size = batch_size;
  return options;
}

/// The first `layers` convolutions, or all, with `threads` threads on a batch of `images`.
void forward(benchmark::State& state, const Shape& shape) {
  std::vector<FoldedConvolution> network = make_network(shape);
  if (state.range(0) > 0) network.resize(static_cast<size_t>(state.range(0)));
  const int64_t batch = state.range(2);
  InferenceEngine engine(network, all_layers(network, state.range(1), batch));
  std::vector<uint8_t> images(static_cast<size_t>(batch * shape.size * shape.size * 3));
  std::mt19937 random(2);
  for (uint8_t& x : images) x = static_cast<uint8_t>(random() % 256);
  std::vector<float> features(static_cast<size_t>(batch * engine.feature_count()));
  engine.run(images.data(), batch, features.data());  // transforms weights
  for (auto _ : state) engine.run(images.data(), batch, features.data());
  state.SetItemsProcessed(state.iterations() * batch);
  state.SetLabel(engine.description());
}

const std::vector<std::string> kArguments = {"layers", "threads", "images"};
BENCHMARK_CAPTURE(forward, ImageNet32, kImageNet32)
    ->ArgNames(kArguments)
    ->ArgsProduct({{1, 2, 3, 4, 5, 6}, {1}, {64}})
    ->Args({0, 2, 64})
    ->ArgsProduct({{0}, {1, 2}, {1, 2, 4, 8, 16}})
    ->UseRealTime();
BENCHMARK_CAPTURE(forward, ImageNet32Narrow, kImageNet32Narrow)->ArgNames(kArguments)->Args({0, 2, 64})->UseRealTime();
BENCHMARK_CAPTURE(forward, Svhn32, kSvhn32)->ArgNames(kArguments)->ArgsProduct({{0}, {2}, {1, 64}})->UseRealTime();
BENCHMARK_CAPTURE(forward, Faces64, kFaces64)->ArgNames(kArguments)->ArgsProduct({{0}, {2}, {1, 64}})->UseRealTime();

template <class T>
void read(std::ifstream& file, T* values, int64_t count) {
  file.read(reinterpret_cast<char*>(values),
            static_cast<std::streamsize>(count) * static_cast<std::streamsize>(sizeof(T)));
  if (!file) throw std::runtime_error("the network file is too short");
}

std::vector<FoldedConvolution> read_network(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  int64_t layers = 0;
  read(file, &layers, 1);
  std::vector<FoldedConvolution> network;
  for (int64_t i = 0; i < layers; ++i) {
    int64_t shape[5];
    read(file, shape, 5);
    FoldedConvolution c{shape[0], shape[1], shape[2], shape[3], shape[4], shape[4] / shape[3], {}, {}};
    c.weight.resize(static_cast<size_t>(c.out_channels * c.in_channels * c.kernel * c.kernel));
    c.bias.resize(static_cast<size_t>(c.out_channels));
    read(file, c.weight.data(), static_cast<int64_t>(c.weight.size()));
    read(file, c.bias.data(), static_cast<int64_t>(c.bias.size()));
    network.push_back(c);
  }
  return network;
}

void serve(char** arguments) {
  const std::vector<FoldedConvolution> network = read_network(arguments[0]);
  std::ifstream image_file(arguments[1], std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(image_file)), std::istreambuf_iterator<char>());
  const std::vector<uint8_t> images(bytes.begin(), bytes.end());
  const int64_t size = network[0].size_in;
  const int64_t count = static_cast<int64_t>(images.size()) / (size * size * 3);
  InferenceEngine engine(network, all_layers(network, std::stoll(arguments[3]), std::stoll(arguments[4])));
  std::vector<float> features(static_cast<size_t>(count * engine.feature_count()));
  std::cout << engine.description() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    engine.run(images.data(), count, features.data());
    std::cout << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << std::endl;
  }
  std::ofstream out(arguments[2], std::ios::binary);
  out.write(reinterpret_cast<const char*>(features.data()),
            static_cast<std::streamsize>(features.size() * sizeof(float)));
}

}  // namespace
}  // namespace dcgan

int main(int argc, char** argv) {
  if (argc == 7 && std::string(argv[1]) == "--serve") {
    dcgan::serve(argv + 2);
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
