#pragma once

#include <cstdint>
#include <string>

#include "tools/cli/environment.h"

namespace dcgan::extract_tool {

/// Part I of N equal parts of the inputs.
struct Shard {
  int64_t index = 0;
  int64_t count = 1;

  int64_t begin(int64_t inputs) const { return inputs * index / count; }
  int64_t end(int64_t inputs) const { return inputs * (index + 1) / count; }
};

/// "" (everything), "I/N" with I from 0 to N - 1, or "auto": what a Slurm array (SLURM_ARRAY_TASK_ID, _COUNT, _MIN,
/// _STEP) or torchrun (RANK, WORLD_SIZE) say, or both: each task of the array is then divided among its ranks.
/// @throws OptionError for another text, or for "auto" where the variables are missing or make no sense
Shard parse_shard(const std::string& text, const cli::Environment& environment);

}  // namespace dcgan::extract_tool
