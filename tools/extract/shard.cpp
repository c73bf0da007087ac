#include "tools/extract/shard.h"

#include "dcgan/errors.h"
#include "tools/cli/text_values.h"

namespace dcgan::extract_tool {
namespace {

int64_t number(const cli::Environment& environment, const char* name, int64_t fallback = -1) {
  return cli::number_of(environment, "--shard auto", name, fallback);
}

Shard slurm_array(const cli::Environment& environment) {
  const int64_t first = number(environment, "SLURM_ARRAY_TASK_MIN");
  const int64_t step = number(environment, "SLURM_ARRAY_TASK_STEP", 1);
  const int64_t task = number(environment, "SLURM_ARRAY_TASK_ID") - first;
  const Shard shard{step > 0 ? task / step : -1, number(environment, "SLURM_ARRAY_TASK_COUNT")};
  if (step < 1 || task < 0 || task % step != 0 || shard.index >= shard.count) {
    throw OptionError(
        "--shard auto: the task numbers of the Slurm array are not evenly spaced; submit it as --array=0-N or give "
        "--shard I/N.");
  }
  return shard;
}

Shard from_environment(const cli::Environment& environment) {
  const bool slurm = environment("SLURM_ARRAY_TASK_ID") != nullptr;
  const bool ranks = environment("RANK") != nullptr;
  if (!slurm && !ranks) {
    throw OptionError(
        "--shard auto: neither SLURM_ARRAY_TASK_ID nor RANK is set; it is for Slurm arrays and torchrun, otherwise "
        "give --shard I/N.");
  }
  const Shard outer = slurm ? slurm_array(environment) : Shard{};
  const Shard inner = ranks ? Shard{number(environment, "RANK"), number(environment, "WORLD_SIZE")} : Shard{};
  if (inner.index >= inner.count) {
    throw OptionError("--shard auto: RANK is ", inner.index, " and WORLD_SIZE ", inner.count,
                      "; the rank must be smaller.");
  }
  return {outer.index * inner.count + inner.index, outer.count * inner.count};
}

}  // namespace

Shard parse_shard(const std::string& text, const cli::Environment& environment) {
  if (text.empty()) return {};
  if (text == "auto") return from_environment(environment);
  Shard shard{0, 0};
  const size_t slash = text.find('/');
  if (slash != std::string::npos) {
    cli::from_text("shard", text.substr(0, slash), shard.index);
    cli::from_text("shard", text.substr(slash + 1), shard.count);
  }
  if (shard.count < 1 || shard.index < 0 || shard.index >= shard.count) {
    throw OptionError("--shard is \"", text, "\"; it must be auto, or I/N with I from 0 to N - 1, such as 0/4.");
  }
  return shard;
}

}  // namespace dcgan::extract_tool
