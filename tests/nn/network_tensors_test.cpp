#include "nn/network_tensors.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>

#include "dcgan/errors.h"

namespace dcgan::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

ArchitectureOptions small_architecture() {
  ArchitectureOptions o;
  o.ndf = o.ngf = 2;
  o.nz = 3;
  return o;
}

ModelFile model_of(const Discriminator& d, const Generator& g) {
  ModelFile model;
  model.architecture = small_architecture();
  for (const auto& tensors : {d.parameters(), d.buffers(), g.parameters(), g.buffers()})
    store_tensors(tensors, model.tensors);
  model.convolutions = static_cast<int64_t>(d.convolutions.size());
  return model;
}

TEST(NetworkTensors, GiveBackTheSameNetworks) {
  const Discriminator d = make_discriminator(small_architecture(), 8);
  const Generator g = make_generator(small_architecture(), 8);
  const ModelFile model = model_of(d, g);
  const Discriminator d2 = discriminator_from(model);
  const Generator g2 = generator_from(model);
  const auto expect_equal = [](const NamedTensors& a, const NamedTensors& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].first, b[i].first);
      EXPECT_TRUE(at::equal(a[i].second, b[i].second)) << a[i].first;
    }
  };
  expect_equal(d.parameters(), d2.parameters());
  expect_equal(g.parameters(), g2.parameters());
  expect_equal(d.buffers(), d2.buffers());
  expect_equal(g.buffers(), g2.buffers());
}

TEST(NetworkTensors, OfAPartialModelKeepTheLowerConvolutions) {
  ModelFile model = model_of(make_discriminator(small_architecture(), 8), make_generator(small_architecture(), 8));
  model.convolutions = 4;
  model.has_generator = false;
  const Discriminator d = discriminator_from(model);
  EXPECT_EQ(d.convolutions.size(), 4U);
  EXPECT_FALSE(d.head.defined());
  EXPECT_THAT([&] { generator_from(model); }, ThrowsMessage<Error>(HasSubstr("no generator")));
}

TEST(NetworkTensors, NameATensorThatIsMissingOrOfAnotherShape) {
  ModelFile model = model_of(make_discriminator(small_architecture(), 8), make_generator(small_architecture(), 8));
  model.tensors.at("discriminator.bn2.weight").shape = {1};
  EXPECT_THAT([&] { discriminator_from(model); }, ThrowsMessage<Error>(HasSubstr("\"discriminator.bn2.weight\" has")));
  model.tensors.erase("discriminator.bn2.weight");
  EXPECT_THAT([&] { discriminator_from(model); },
              ThrowsMessage<Error>(HasSubstr("\"discriminator.bn2.weight\" is missing")));
}

}  // namespace
}  // namespace dcgan::nn
