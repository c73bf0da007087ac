#include "tools/train/launcher.h"

#include <unistd.h>

#include <algorithm>

#include "dcgan/errors.h"

namespace dcgan::train_tool {
namespace {

// Or by what sets the same variables; otherwise by Slurm.
bool by_torchrun(const cli::Environment& environment) { return environment("RANK") != nullptr; }

}  // namespace

ProcessOptions processes_from(const cli::Environment& environment) {
  const auto number = [&](const char* name) { return cli::number_of(environment, "--distributed", name); };
  const bool torchrun = by_torchrun(environment);
  if (!torchrun && environment("SLURM_PROCID") == nullptr) {
    throw OptionError(
        "--distributed: neither RANK nor SLURM_PROCID is set; start the program by torchrun --no-python or srun, or "
        "leave the flag out.");
  }
  ProcessOptions options;
  const char* rank = torchrun ? "RANK" : "SLURM_PROCID";
  const char* count = torchrun ? "WORLD_SIZE" : "SLURM_NTASKS";
  options.rank = number(rank);
  options.count = number(count);
  if (options.rank >= options.count) {
    throw OptionError("--distributed: ", rank, " is ", options.rank, " and ", count, " ", options.count,
                      "; the rank must be smaller.");
  }
  options.local_rank = cli::number_of(environment, "--distributed", torchrun ? "LOCAL_RANK" : "SLURM_LOCALID", 0);
  const char* visible = environment("CUDA_VISIBLE_DEVICES");
  const bool sees_one = visible != nullptr && std::string(visible).find(',') == std::string::npos;
  // Slurm shows each process its own GPU; torchrun shows all to each.
  if (environment("TORCHELASTIC_RUN_ID") == nullptr && sees_one) options.local_rank = 0;
  // On one machine; agents on several count for themselves, and make a new store each time.
  if (cli::number_of(environment, "--distributed", "GROUP_WORLD_SIZE", 0) == 1) {
    options.attempt = cli::number_of(environment, "--distributed", "TORCHELASTIC_RESTART_COUNT", 0);
  }
  const char* address = environment("MASTER_ADDR");
  if (address == nullptr) {
    throw OptionError("--distributed: MASTER_ADDR is not set; it names the machine of the first process.");
  }
  options.address = address;
  options.port = number("MASTER_PORT");
  if (options.port < 1 || options.port > 65535) {
    throw OptionError("--distributed: MASTER_PORT is ", options.port, ", expected 1 to 65535.");
  }
  const char* agent = environment("TORCHELASTIC_USE_AGENT_STORE");
  options.has_store = agent != nullptr && std::string(agent) == "True";
  const char* interface = environment("GLOO_SOCKET_IFNAME");
  if (interface != nullptr) options.interface = interface;
  return options;
}

int64_t processes_here(const cli::Environment& environment) {
  const auto number = [&](const char* name, int64_t fallback) {
    return cli::number_of(environment, "--distributed", name, fallback);
  };
  if (by_torchrun(environment)) return std::max<int64_t>(1, number("LOCAL_WORLD_SIZE", number("WORLD_SIZE", 1)));
  const int64_t machines = std::max<int64_t>(1, number("SLURM_NNODES", 1));
  const int64_t even = (number("SLURM_NTASKS", 1) + machines - 1) / machines;
  return std::max<int64_t>(1, number("SLURM_NTASKS_PER_NODE", even));
}

int64_t threads_here(const cli::Environment& environment, int64_t cores) {
  if (!by_torchrun(environment)) {
    const int64_t given = cli::number_of(environment, "--distributed", "SLURM_CPUS_PER_TASK", 0);
    if (given > 0) return given;
    if (cores < sysconf(_SC_NPROCESSORS_CONF)) return cores;  // Slurm has bound each process to its own
  }
  return std::max<int64_t>(1, cores / processes_here(environment));
}

}  // namespace dcgan::train_tool
