#include "base/options_json.h"

#include <gmock/gmock.h>

#include <vector>

#include "dcgan/architecture.h"

namespace dcgan {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(OptionsJson, ReadsBackWhatItWrites) {
  ArchitectureOptions o = published_architecture("svhn32");
  o.nz = 7;
  const ordered_json object = options_to_json(o);
  EXPECT_EQ(object["latent"], "normal");
  EXPECT_EQ(options_to_json(options_from_json<ArchitectureOptions>(object)), object);
}

TEST(OptionsJson, NamesAnUnknownKeyAndAWrongValue) {
  const auto parse = [](const char* text) { options_from_json<ArchitectureOptions>(ordered_json::parse(text)); };
  EXPECT_THAT([&] { parse(R"({"width": 3})"); }, ThrowsMessage<Error>(HasSubstr("option \"width\" is unknown")));
  EXPECT_THAT([&] { parse(R"({"ndf": "many"})"); }, ThrowsMessage<Error>(HasSubstr("option \"ndf\" is \"many\"")));
  EXPECT_THAT([&] { parse(R"({"ndf": 1.5})"); }, ThrowsMessage<Error>(HasSubstr("option \"ndf\" is 1.5")));
  EXPECT_THAT([&] { parse(R"({"latent": "cauchy"})"); }, ThrowsMessage<Error>(HasSubstr("\"cauchy\"")));
  EXPECT_THAT([&] { parse("[]"); }, ThrowsMessage<Error>(HasSubstr("no JSON object")));
}

struct ListOptions {
  std::vector<int64_t> layers;
};

template <class Visitor>
void describe(ListOptions& o, Visitor&& f) {
  f(o.layers, "layers", "a list");
}

TEST(OptionsJson, TakesWholeNumbersAloneInListsToo) {
  const auto parse = [](const char* text) { return options_from_json<ListOptions>(ordered_json::parse(text)).layers; };
  EXPECT_THAT(parse(R"({"layers": [3, 4]})"), testing::ElementsAre(3, 4));
  // Found by fuzzing: nlohmann-json turns the first into an int64, which is undefined, and the second into 1.
  for (const char* text : {R"({"layers": [7.8e59]})", R"({"layers": [1.5]})", R"({"layers": 3})"}) {
    EXPECT_THAT([&] { parse(text); }, ThrowsMessage<Error>(HasSubstr("option \"layers\" is "))) << text;
  }
}

}  // namespace
}  // namespace dcgan
