#include "dcgan/architecture.h"

#include <gmock/gmock.h>

#include <tuple>

#include "dcgan/errors.h"

namespace dcgan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// in, out, kernel, stride, size in, size out, batch norm
using Row = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, bool>;

std::vector<Row> rows(const std::vector<ConvolutionShape>& shapes) {
  std::vector<Row> all;
  all.reserve(shapes.size());
  for (const ConvolutionShape& s : shapes) {
    all.emplace_back(s.in_channels, s.out_channels, s.kernel, s.stride, s.size_in, s.size_out, s.batch_norm);
  }
  return all;
}

int64_t parameters(const std::vector<ConvolutionShape>& shapes) {
  int64_t count = 0;
  for (const ConvolutionShape& s : shapes) {
    count += s.in_channels * s.out_channels * s.kernel * s.kernel + (s.batch_norm ? 2 * s.out_channels : 0);
  }
  return count;
}

int64_t discriminator_parameters(const ArchitectureOptions& o) {
  const auto shapes = discriminator_convolutions(o);
  return parameters(shapes) + shapes.back().out_channels * kBaseSize * kBaseSize;
}

int64_t generator_parameters(const ArchitectureOptions& o) {
  const auto shapes = generator_convolutions(o);
  const int64_t units = shapes.front().in_channels * kBaseSize * kBaseSize;
  return units * o.nz + 2 * units + parameters(shapes);
}

// The tables of the released models: shapes of the arrays in the authors' files.
TEST(Architecture, OfImageNet32IsThatOfTheReleasedWeights) {
  const ArchitectureOptions o = published_architecture("imagenet32");
  EXPECT_THAT(rows(discriminator_convolutions(o)),
              ElementsAre(Row(3, 128, 3, 1, 32, 32, false), Row(128, 128, 3, 2, 32, 16, true),
                          Row(128, 256, 3, 1, 16, 16, true), Row(256, 256, 3, 2, 16, 8, true),
                          Row(256, 512, 3, 1, 8, 8, true), Row(512, 512, 3, 2, 8, 4, true)));
  EXPECT_THAT(rows(generator_convolutions(o)),
              ElementsAre(Row(512, 512, 3, 2, 4, 8, true), Row(512, 256, 3, 1, 8, 8, true),
                          Row(256, 256, 3, 2, 8, 16, true), Row(256, 128, 3, 1, 16, 16, true),
                          Row(128, 128, 3, 2, 16, 32, true), Row(128, 3, 3, 1, 32, 32, false)));
  EXPECT_EQ(discriminator_parameters(o), 4'586'112);
  EXPECT_EQ(generator_parameters(o), 6'690'688);
}

TEST(Architecture, OfSvhn32IsThatOfTheReleasedWeights) {
  const ArchitectureOptions o = published_architecture("svhn32");
  EXPECT_THAT(
      rows(discriminator_convolutions(o)),
      ElementsAre(Row(3, 64, 5, 2, 32, 16, false), Row(64, 128, 5, 2, 16, 8, true), Row(128, 256, 5, 2, 8, 4, true)));
  EXPECT_THAT(
      rows(generator_convolutions(o)),
      ElementsAre(Row(256, 128, 5, 2, 4, 8, true), Row(128, 64, 5, 2, 8, 16, true), Row(64, 3, 5, 2, 16, 32, false)));
  EXPECT_EQ(discriminator_parameters(o), 1'033'664);
  EXPECT_EQ(generator_parameters(o), 1'446'976);
  EXPECT_EQ(o.latent, Latent::kNormal);
}

TEST(Architecture, OfFacesAndLsunHasTheParametersOfTheAuthorsScript) {
  for (const char* name : {"faces64", "lsun64"}) {
    const ArchitectureOptions o = published_architecture(name);
    EXPECT_EQ(discriminator_parameters(o), 17'232'768) << name;
    EXPECT_EQ(generator_parameters(o), 18'885'760) << name;
  }
}

TEST(Architecture, GivesThePublishedNumbersOfFeatures) {
  EXPECT_EQ(feature_count(published_architecture("imagenet32")), 28'672);
  EXPECT_EQ(feature_count(published_architecture("imagenet32"), {1, 2, 3, 4}), 12'288);
  EXPECT_EQ(feature_count(published_architecture("svhn32")), 7'168);
  EXPECT_EQ(feature_count(published_architecture("imagenet32"), {}, 1), 28'672 / 16);
}

TEST(Architecture, FollowsItsOptions) {
  ArchitectureOptions o;
  o.ndf = 32;
  EXPECT_EQ(feature_count(o), 28'672 / 4);
  o.convs_per_scale = 1;
  EXPECT_EQ(discriminator_convolutions(o).size(), 3U);
  o.image_size = 64;
  EXPECT_EQ(discriminator_convolutions(o).size(), 4U);
  o.kernel = 5;
  EXPECT_EQ(discriminator_convolutions(o).front().kernel, 5);
  o.ngf = 16;
  EXPECT_EQ(generator_convolutions(o).back().in_channels, 16);
}

TEST(Architecture, WithPoolingHasStride1AndTheSameMapsAndParameters) {
  ArchitectureOptions o = published_architecture("imagenet32");
  o.guidelines.scaling = Scaling::kPooling;
  EXPECT_THAT(rows(discriminator_convolutions(o)),
              ElementsAre(Row(3, 128, 3, 1, 32, 32, false), Row(128, 128, 3, 1, 32, 16, true),
                          Row(128, 256, 3, 1, 16, 16, true), Row(256, 256, 3, 1, 16, 8, true),
                          Row(256, 512, 3, 1, 8, 8, true), Row(512, 512, 3, 1, 8, 4, true)));
  for (const auto& shapes : {discriminator_convolutions(o), generator_convolutions(o)}) {
    for (const ConvolutionShape& s : shapes) EXPECT_EQ(s.resize, s.size_in == s.size_out ? 1 : 2);
  }
  EXPECT_EQ(discriminator_parameters(o), 4'586'112);
  EXPECT_EQ(generator_parameters(o), 6'690'688);
}

TEST(Architecture, HasBatchNormWhereItIsAskedFor) {
  const auto normalised = [](NormalizedLayers layers) {
    ArchitectureOptions o = published_architecture("svhn32");
    o.guidelines.batch_norm = layers;
    std::string text;
    for (const auto& shapes : {discriminator_convolutions(o), generator_convolutions(o)}) {
      for (const ConvolutionShape& s : shapes) text += s.batch_norm ? "+" : "-";
      text += " ";
    }
    return text;
  };
  EXPECT_EQ(normalised(NormalizedLayers::kPublished), "-++ ++- ");
  EXPECT_EQ(normalised(NormalizedLayers::kAll), "+++ +++ ");
  EXPECT_EQ(normalised(NormalizedLayers::kNone), "--- --- ");
}

TEST(Architecture, ShowsItsDenseLayersAllValuesOrMeans) {
  ArchitectureOptions o = published_architecture("imagenet32");
  EXPECT_EQ(discriminator_layers(o).head.inputs, 8192);
  o.guidelines.head = Head::kAveragePool;
  EXPECT_EQ(discriminator_layers(o).head.inputs, 512);
}

TEST(Architecture, NamesTheFlagTheValueAndTheRule) {
  ArchitectureOptions o;
  o.guidelines.hidden_dense = -1;
  EXPECT_THAT([&] { check(o); }, ThrowsMessage<OptionError>(HasSubstr("--hidden-dense is -1; it must be from 0")));
  o.image_size = 48;
  EXPECT_THAT([&] { check(o); },
              ThrowsMessage<OptionError>(HasSubstr("--image-size is 48; it must be a power of two from 8")));
  EXPECT_THAT([] { published_architecture("celeba"); },
              ThrowsMessage<OptionError>(HasSubstr("faces64, imagenet32, lsun64, svhn32")));
  EXPECT_THAT([] { feature_count({}, {7}); }, ThrowsMessage<OptionError>(HasSubstr("--layers is 7; it must be")));
  EXPECT_THAT([] { feature_count({}, {2, 1}); }, ThrowsMessage<OptionError>(HasSubstr("in rising order")));
  EXPECT_THAT([] { feature_count({}, {}, 3); },
              ThrowsMessage<OptionError>(HasSubstr("--grid is 3; it must be 1, 2 or 4")));
}

}  // namespace
}  // namespace dcgan
