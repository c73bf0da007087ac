#include "nn/device.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <gmock/gmock.h>

#include "dcgan/errors.h"

namespace dcgan::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// LibTorch decides at the first question about CUDA, for good, whether there is any: nothing may ask before it is
// loaded. Where libtorch_cuda.so is there, without a GPU too, the question about its cuDNN has the answer yes.
TEST(Device, AsksForCudaOnlyAfterItWasLoaded) {
  resolve_device("auto");
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_NOLOAD) == nullptr) GTEST_SKIP() << "no libtorch_cuda.so";
  EXPECT_TRUE(at::detail::getCUDAHooks().hasCuDNN());
}

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
  EXPECT_THAT([] { gpu_of_process(1, 1); }, ThrowsMessage<OptionError>(HasSubstr("has no GPU of its own")));
  EXPECT_THAT([] { gpu_of_process(4, 4); }, ThrowsMessage<OptionError>(HasSubstr("process 4 of this machine")));
  EXPECT_THAT([] { resolve_device("cuda:1", 0); }, ThrowsMessage<OptionError>(HasSubstr("give --device cuda.")));
  EXPECT_TRUE(resolve_device("cpu", 3).is_cpu());
}

}  // namespace
}  // namespace dcgan::nn
