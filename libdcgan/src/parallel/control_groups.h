#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "dcgan/export.h"

namespace dcgan::parallel {

/// What the control groups that this process is in let it have: a container's limits, a Slurm job's.
struct GroupLimits {
  int64_t memory_bytes = std::numeric_limits<int64_t>::max();
  double cpus = std::numeric_limits<double>::infinity();  ///< seconds on processors in a second
};

/// The smallest limits of the groups of version 1 and 2, and of those that they are in, as far as they can be seen.
/// @param root  of /proc and /sys, for tests
DCGAN_EXPORT GroupLimits group_limits(const std::string& root = "");

/// Threads that can run at a time: the cores that this process may run on, and no more than its groups allow, a begun
/// one counted.
DCGAN_EXPORT int64_t usable_cores(const std::string& root = "");

}  // namespace dcgan::parallel
