#include "train/adam.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/tensor_near.h"

namespace dcgan::train {
namespace {

// Adam by its paper (Kingma, Ba 2015, algorithm 1), one number, float64; weight decay added to the gradient, or past
// the moments (Loshchilov, Hutter 2019, algorithm 2, whose schedule multiplier the learning rate is).
struct NaiveAdam {
  double beta1, beta2, weight_decay;
  bool decoupled;
  double first = 0, second = 0;
  int64_t t = 0;
  double step(double value, double gradient, double rate) {
    if (decoupled) {
      value -= rate * weight_decay * value;
    } else {
      gradient += weight_decay * value;
    }
    ++t;
    first = beta1 * first + (1 - beta1) * gradient;
    second = beta2 * second + (1 - beta2) * gradient * gradient;
    const auto n = static_cast<double>(t);
    const double m = first / (1 - std::pow(beta1, n));
    const double v = second / (1 - std::pow(beta2, n));
    return value - rate * m / (std::sqrt(v) + 1e-8);
  }
};

at::Tensor rate() { return at::full({}, 1e-2F); }
at::Tensor parameter() { return at::tensor({0.5F, -2.0F}); }

TEST(Adam, AgreesWithItsPaper) {
  for (const auto& [weight_decay, decoupled] : {std::pair(0.0, false), {0.1, false}, {0.1, true}}) {
    at::Tensor x = parameter();
    Adam adam({{"x", x}}, {0.5, 0.999, weight_decay, decoupled});
    NaiveAdam twins[2] = {{0.5, 0.999, weight_decay, decoupled}, {0.5, 0.999, weight_decay, decoupled}};
    double expected[2] = {0.5, -2};
    for (int step = 0; step < 50; ++step) {
      const double gradients[2] = {std::sin(0.3 * step), 1e-3 * std::cos(step)};
      x.mutable_grad() = at::tensor({static_cast<float>(gradients[0]), static_cast<float>(gradients[1])});
      adam.step(rate());
      for (int i = 0; i < 2; ++i) expected[i] = twins[i].step(expected[i], gradients[i], 1e-2);
    }
    EXPECT_THAT(x, test::tensor_near(at::tensor({expected[0], expected[1]}), 1e-5))
        << weight_decay << (decoupled ? " decoupled" : "");
  }
}

TEST(Adam, DropsTheGradientsThatItUsed) {
  at::Tensor x = parameter();
  Adam adam({{"x", x}}, {0.5, 0.999, 0});
  x.mutable_grad() = at::full({2}, 1.0F);
  adam.step(rate());
  EXPECT_FALSE(x.grad().defined());
}

TEST(Adam, GoesOnFromWhatItSaved) {
  at::Tensor x = parameter();
  at::Tensor y = parameter();
  Adam a({{"x", x}}, {0.5, 0.999, 0});
  Adam b({{"x", y}}, {0.5, 0.999, 0});
  const auto step = [](Adam& adam, at::Tensor& value, float gradient) {
    value.mutable_grad() = at::full({2}, gradient);
    adam.step(rate());
  };
  step(a, x, 1);
  const nn::NamedTensors saved = a.moments();
  EXPECT_THAT(saved, testing::ElementsAre(testing::Key("adam.first.x"), testing::Key("adam.second.x")));
  for (size_t i = 0; i < saved.size(); ++i) at::Tensor(b.moments()[i].second).copy_(saved[i].second);
  b.set_updates(1);
  y.copy_(x);
  step(a, x, -3);
  step(b, y, -3);
  EXPECT_THAT(y, test::tensor_near(x, 0));
}

}  // namespace
}  // namespace dcgan::train
