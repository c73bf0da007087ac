#include "tools/train/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace dcgan::train_tool {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

using Variables = std::map<std::string, std::string>;

cli::Environment environment(Variables variables) {
  return [variables = std::move(variables)](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

const Variables kTorchrun = {{"RANK", "3"},        {"WORLD_SIZE", "4"},
                             {"LOCAL_RANK", "1"},  {"LOCAL_WORLD_SIZE", "2"},
                             {"MASTER_ADDR", "a"}, {"MASTER_PORT", "29500"}};
const Variables kSlurm = {{"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "6"}, {"SLURM_LOCALID", "0"},
                          {"SLURM_NNODES", "3"}, {"MASTER_ADDR", "b"},  {"MASTER_PORT", "7"}};

Variables with(Variables variables, const std::string& name, const std::string& value) {
  variables[name] = value;
  return variables;
}

TEST(Launcher, KnowsAProcessOfTorchrun) {
  const ProcessOptions p = processes_from(environment(kTorchrun));
  EXPECT_EQ(p.rank, 3);
  EXPECT_EQ(p.count, 4);
  EXPECT_EQ(p.local_rank, 1);
  EXPECT_EQ(p.address, "a");
  EXPECT_EQ(p.port, 29500);
  EXPECT_FALSE(p.has_store);
  EXPECT_TRUE(processes_from(environment(with(kTorchrun, "TORCHELASTIC_USE_AGENT_STORE", "True"))).has_store);
}

TEST(Launcher, KnowsAProcessOfSlurmAndThatItSeesOnlyItsOwnGpu) {
  const ProcessOptions p = processes_from(environment(kSlurm));
  EXPECT_EQ(p.rank, 2);
  EXPECT_EQ(p.count, 6);
  const Variables second = with(kSlurm, "SLURM_LOCALID", "1");
  EXPECT_EQ(processes_from(environment(second)).local_rank, 1);
  EXPECT_EQ(processes_from(environment(with(second, "CUDA_VISIBLE_DEVICES", "1"))).local_rank, 0);
  EXPECT_EQ(processes_from(environment(with(second, "CUDA_VISIBLE_DEVICES", "0,1"))).local_rank, 1);
}

TEST(Launcher, RefusesWhatIsMissingOrMakesNoSenseByName) {
  EXPECT_THAT([] { processes_from(environment({})); }, ThrowsMessage<OptionError>(HasSubstr("neither RANK nor")));
  EXPECT_THAT([] { processes_from(environment(with(kTorchrun, "RANK", "4"))); },
              ThrowsMessage<OptionError>(HasSubstr("RANK is 4 and WORLD_SIZE 4")));
  EXPECT_THAT([] { processes_from(environment(with(kTorchrun, "MASTER_PORT", "0"))); },
              ThrowsMessage<OptionError>(HasSubstr("MASTER_PORT is 0")));
  Variables nowhere = kSlurm;
  nowhere.erase("MASTER_ADDR");
  EXPECT_THAT([&] { processes_from(environment(nowhere)); },
              ThrowsMessage<OptionError>(HasSubstr("MASTER_ADDR is not set")));
}

TEST(Launcher, SharesTheCoresOfAMachineAmongItsProcesses) {
  EXPECT_EQ(processes_here(environment(kTorchrun)), 2);
  EXPECT_EQ(threads_here(environment(kTorchrun), 16), 8);
  EXPECT_EQ(threads_here(environment(kTorchrun), 1), 1);
  EXPECT_EQ(processes_here(environment(kSlurm)), 2);
  EXPECT_EQ(processes_here(environment(with(kSlurm, "SLURM_NTASKS_PER_NODE", "4"))), 4);
  EXPECT_EQ(threads_here(environment(with(kSlurm, "SLURM_CPUS_PER_TASK", "5")), 16), 5);
}

}  // namespace
}  // namespace dcgan::train_tool
