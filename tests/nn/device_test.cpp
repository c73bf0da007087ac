#include "nn/device.h"

#include <gmock/gmock.h>

#include "dcgan/errors.h"

namespace dcgan::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Device, IsTheCpuWhenAskedFor) { EXPECT_TRUE(resolve_device("cpu").is_cpu()); }

TEST(Device, RefusesANameThatIsNone) {
  for (const char* text : {"", "gpu", "cuda:", "cuda:x", "cuda:1x", "CPU"}) {
    EXPECT_THAT([&] { resolve_device(text); },
                ThrowsMessage<OptionError>(HasSubstr("must be auto, cpu, cuda or cuda:N")))
        << text;
  }
}

TEST(Device, SaysThatAnExplicitDeviceIsMissing) {
  EXPECT_THAT([] { resolve_device("cuda:4096"); }, ThrowsMessage<OptionError>(HasSubstr("--device is cuda:4096, but")));
}

}  // namespace
}  // namespace dcgan::nn
