#include "base/device_text.h"

#include <gmock/gmock.h>

#include "dcgan/errors.h"

namespace dcgan {
namespace {

using Kind = DeviceText::Kind;

TEST(DeviceText, IsOneOfThreeKindsPerhapsWithANumber) {
  EXPECT_EQ(parse_device("auto").kind, Kind::kAuto);
  EXPECT_EQ(parse_device("cpu").kind, Kind::kCpu);
  EXPECT_EQ(parse_device("cuda").kind, Kind::kCuda);
  EXPECT_FALSE(parse_device("cuda").index);
  EXPECT_EQ(parse_device("cuda:12").kind, Kind::kCuda);
  EXPECT_EQ(parse_device("cuda:12").index, 12);
}

TEST(DeviceText, NamesWhatElseItFinds) {
  for (const char* text : {"", "gpu", "CPU", "cuda:", "cuda:x", "cuda:1x", "cpu:0", "cuda:99999999999"}) {
    EXPECT_THAT([&] { parse_device(text); },
                testing::ThrowsMessage<OptionError>(std::string("--device is \"") + text +
                                                    "\"; it must be auto, cpu, cuda or cuda:N."));
  }
}

}  // namespace
}  // namespace dcgan
