#include "nn/convolution.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones_like.h>
#include <gmock/gmock.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <set>
#include <tuple>

#include "dcgan/architecture.h"
#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "tests/support/tensor_near.h"

namespace dcgan::nn {
namespace {

using Tensors = std::vector<at::Tensor>;  // output, gradients with respect to the inputs and to the weights

at::Tensor random(at::IntArrayRef shape, uint64_t seed) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::empty(shape, at::kFloat).normal_(0, 1, generator).contiguous(at::MemoryFormat::ChannelsLast);
}

struct Case {
  ConvolutionShape shape;
  bool transposed;
  int64_t images;

  at::Tensor x() const { return random({images, shape.in_channels, shape.size_in, shape.size_in}, 1); }
  at::Tensor weight() const {
    const int64_t in = shape.in_channels;
    const int64_t out = shape.out_channels;
    return random({transposed ? in : out, transposed ? out : in, shape.kernel, shape.kernel}, 2);
  }
  at::Tensor gradient() const { return random({images, shape.out_channels, shape.size_out, shape.size_out}, 3); }

  std::string name() const {
    return (transposed ? "transposed " : "") + std::to_string(shape.kernel) + " x " + std::to_string(shape.kernel) +
           ", stride " + std::to_string(shape.stride) + ", " + std::to_string(shape.in_channels) + " -> " +
           std::to_string(shape.out_channels) + " channels, " + std::to_string(shape.size_in) + " -> " +
           std::to_string(shape.size_out) + " pixels, " + std::to_string(images) + " images";
  }
};

template <class Function>
Tensors with_gradients(const Case& c, at::ScalarType type, const Function& function) {
  const at::Tensor x = c.x().to(type).set_requires_grad(true);
  const at::Tensor weight = c.weight().to(type).set_requires_grad(true);
  const at::Tensor y = function(x, weight);
  const auto gradients = torch::autograd::grad({y}, {x, weight}, {c.gradient().to(type)});
  return {y.detach(), gradients[0], gradients[1]};
}

Tensors ours(const Case& c) {
  return with_gradients(c, at::kFloat, [&](const at::Tensor& x, const at::Tensor& weight) {
    return c.transposed ? convolve_transposed(x, weight, c.shape.stride) : convolve(x, weight, c.shape.stride);
  });
}

Tensors libtorch_float64(const Case& c) {
  return with_gradients(c, at::kDouble, [&](const at::Tensor& x, const at::Tensor& weight) {
    const ConvolutionShape& s = c.shape;
    return c.transposed ? at::conv_transpose2d(x, weight, {}, s.stride, s.kernel / 2, s.stride - 1)
                        : at::conv2d(x, weight, {}, s.stride, s.kernel / 2);
  });
}

void expect_near_float64(const Case& c) {
  const Tensors expected = libtorch_float64(c);
  const Tensors found = ours(c);
  const char* const names[] = {"output", "gradient of the inputs", "gradient of the weights"};
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(found[i].sizes(), expected[i].sizes()) << c.name() << ": " << names[i];
    const double error = found[i].to(at::kDouble).sub(expected[i]).abs().max().item<double>();
    EXPECT_LE(error, 1e-5 * expected[i].abs().max().item<double>()) << c.name() << ": " << names[i];
  }
}

TEST(Convolution, AndItsGradientsAreThoseOfFloat64ForThePublishedShapes) {
  std::set<std::string> done;
  for (const std::string& name : published_architecture_names()) {
    ArchitectureOptions options = published_architecture(name);
    options.ndf = options.ngf = 32;  // some layers are LibTorch's then, most are not; a test should be quick
    for (const bool transposed : {false, true}) {
      for (const ConvolutionShape& shape :
           transposed ? generator_convolutions(options) : discriminator_convolutions(options)) {
        const Case c{shape, transposed, 2};
        if (done.insert(c.name()).second) expect_near_float64(c);
      }
    }
  }
}

// Those of lists: even kernels, padding that differs before and behind, by LibTorch where our kernels have no method.
TEST(Convolution, AndItsAdjointPadAsListsSay) {
  struct Padded {
    int64_t kernel, stride, before, after, size;
  };
  for (const Padded& p : {Padded{4, 2, 1, 1, 16}, Padded{4, 2, 1, 1, 14}, Padded{5, 2, 1, 2, 16}, Padded{3, 1, 1, 1, 7},
                          Padded{4, 1, 0, 0, 6}, Padded{5, 2, 2, 2, 14}, Padded{3, 2, 0, 1, 8}}) {
    const Sampling sampling{p.stride, p.before, p.after};
    const std::string name = text_of(p.kernel, " ", p.stride, " ", p.before, "+", p.after, ", ", p.size, " pixels");
    const int64_t channels = 64;  // enough for our kernels
    const auto leaf = [](const at::Tensor& x, at::ScalarType type) { return x.to(type).set_requires_grad(true); };
    const at::Tensor x = random({2, channels, p.size, p.size}, 1),
                     weight = random({channels, channels, p.kernel, p.kernel}, 2);
    const auto all = [&](at::ScalarType type, const auto& function) {
      const at::Tensor input = leaf(x, type), filters = leaf(weight, type);
      const at::Tensor y = function(input, filters);
      const auto gradients = torch::autograd::grad({y}, {input, filters}, {at::ones_like(y)});
      return Tensors{y.detach(), gradients[0], gradients[1]};
    };
    const auto expect_same = [&](const Tensors& found, const Tensors& expected, const std::string& what) {
      for (size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i].sizes(), expected[i].sizes()) << what << name;
        const double error = found[i].to(at::kDouble).sub(expected[i]).abs().max().item<double>();
        EXPECT_LE(error, 1e-5 * expected[i].abs().max().item<double>()) << what << name << ", " << i;
      }
    };
    const auto padded = [&](const at::Tensor& input, const at::Tensor& filters) {
      return at::conv2d(at::constant_pad_nd(input, {p.before, p.after, p.before, p.after}), filters, {}, p.stride);
    };
    expect_same(all(at::kFloat, [&](const auto& i, const auto& f) { return convolve(i, f, sampling); }),
                all(at::kDouble, padded), "");
    const int64_t side = (p.size - 1) * p.stride + p.kernel - p.before - p.after;
    expect_same(
        all(at::kFloat, [&](const auto& i, const auto& f) { return convolve_transposed(i, f, sampling); }),
        all(at::kDouble,
            [&](const auto& i, const auto& f) {
              return at::conv_transpose2d(i, f, {}, p.stride).narrow(2, p.before, side).narrow(3, p.before, side);
            }),
        "adjoint of ");
  }
}

// 64 channels, kernels of 3 x 3, stride 2.
Case small_case(int64_t size_in, int64_t size_out) {
  ConvolutionShape shape;
  shape.in_channels = shape.out_channels = 64;
  shape.kernel = 3;
  shape.stride = 2;
  shape.size_in = size_in;
  shape.size_out = size_out;
  return {shape, size_out > size_in, 3};
}
const Case kSmall = small_case(8, 4);
const Case kSmallTransposed = small_case(4, 8);

TEST(Convolution, HasTheSameBitsForAnyNumberOfThreads) {
  const int before = at::get_num_threads();
  for (const Case& c : {kSmall, kSmallTransposed}) {
    at::set_num_threads(1);
    const Tensors one = ours(c);
    at::set_num_threads(3);
    const Tensors three = ours(c);
    at::set_num_threads(before);
    for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(at::equal(one[i], three[i])) << c.name();
  }
}

// sum(gradient * y) is linear in the inputs and in the weights: a difference quotient has no error but rounding's.
TEST(Convolution, HasTheGradientsOfFiniteDifferences) {
  for (const Case& c : {kSmall, kSmallTransposed}) {
    const Tensors found = ours(c);
    const auto objective = [&](const at::Tensor& x, const at::Tensor& weight) {
      const at::Tensor y =
          c.transposed ? convolve_transposed(x, weight, c.shape.stride) : convolve(x, weight, c.shape.stride);
      return y.to(at::kDouble).mul(c.gradient().to(at::kDouble)).sum().item<double>();
    };
    const at::Tensor x_step = random(c.x().sizes(), 4);
    const at::Tensor weight_step = random(c.weight().sizes(), 5);
    const auto slope = [](double above, double below) { return (above - below) / 2; };
    const auto along = [](const at::Tensor& gradient, const at::Tensor& step) {
      return gradient.to(at::kDouble).mul(step.to(at::kDouble)).sum().item<double>();
    };
    const double x_slope = slope(objective(c.x().add(x_step), c.weight()), objective(c.x().sub(x_step), c.weight()));
    EXPECT_NEAR(along(found[1], x_step) / x_slope, 1, 1e-4) << c.name();
    const double weight_slope =
        slope(objective(c.x(), c.weight().add(weight_step)), objective(c.x(), c.weight().sub(weight_step)));
    EXPECT_NEAR(along(found[2], weight_step) / weight_slope, 1, 1e-4) << c.name();
  }
}

TEST(Convolution, TakesMapsThatAreNotChannelsLast) {
  const Case& c = kSmall;
  EXPECT_TRUE(at::equal(convolve(c.x().contiguous(), c.weight().contiguous(), c.shape.stride),
                        convolve(c.x(), c.weight(), c.shape.stride)));
}

TEST(Convolution, ComputesNoGradientThatIsNotAskedFor) {
  const at::Tensor x = kSmall.x();
  const at::Tensor weight = kSmall.weight().set_requires_grad(true);
  convolve(x, weight, 2).sum().backward();
  EXPECT_TRUE(weight.grad().defined());
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(convolve(x, weight.detach(), 2).requires_grad());
}

// They would be lost without a word: a penalty on gradients would train nothing.
TEST(Convolution, RefusesSecondOrderGradients) {
  const at::Tensor x = random({2, 16, 8, 8}, 1).set_requires_grad(true);
  const at::Tensor weight = random({16, 16, 3, 3}, 2).set_requires_grad(true);
  using Function = at::Tensor (*)(const at::Tensor&, const at::Tensor&, int64_t);
  for (const Function function : {static_cast<Function>(convolve), static_cast<Function>(convolve_transposed)}) {
    const auto gradient = [&](bool again) {
      return torch::autograd::grad({function(x, weight, 1).square().sum()}, {x}, {}, again, again);
    };
    EXPECT_NO_THROW(gradient(false));
    EXPECT_THAT([&] { gradient(true); }, testing::ThrowsMessage<Error>(testing::HasSubstr("second-order gradients")));
  }
}

}  // namespace
}  // namespace dcgan::nn
