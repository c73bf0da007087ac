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

TEST(Device, OfOneOfSeveralProcessesHasItsNumber) {
  EXPECT_EQ(gpu_of_process(2, 4), 2);
  EXPECT_EQ(gpu_of_process(3, 1), 0) << "Slurm shows each process its own";
  EXPECT_THAT([] { gpu_of_process(4, 4); }, ThrowsMessage<OptionError>(HasSubstr("process 4 of this machine")));
  EXPECT_THAT([] { resolve_device("cuda:1", 0); }, ThrowsMessage<OptionError>(HasSubstr("give --device cuda.")));
  EXPECT_TRUE(resolve_device("cpu", 3).is_cpu());
}

}  // namespace
}  // namespace dcgan::nn
