#pragma once

#include "dcgan/trainer.h"
#include "tools/cli/environment.h"

namespace dcgan::train_tool {

/// What torchrun (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT) or srun (SLURM_PROCID, SLURM_NTASKS,
/// SLURM_LOCALID; the same two for the meeting place) say of this process; GLOO_SOCKET_IFNAME, as for PyTorch, names
/// the network interface.
/// @throws OptionError for variables that are missing or make no sense
ProcessOptions processes_from(const cli::Environment& environment);

/// How many of the processes run on this machine, so far as torchrun (LOCAL_WORLD_SIZE) or Slurm
/// (SLURM_NTASKS_PER_NODE, or SLURM_NTASKS over SLURM_NNODES) say it; otherwise all of them.
int64_t processes_here(const cli::Environment& environment);

/// Threads of one of them: what Slurm has given it (SLURM_CPUS_PER_TASK), or its share of the cores.
int64_t threads_here(const cli::Environment& environment, int64_t cores);

}  // namespace dcgan::train_tool
