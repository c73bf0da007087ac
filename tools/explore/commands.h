#pragma once

#include "tools/cli/command_line.h"

namespace dcgan::explore_tool {

/// dcgan-explore samples --model MODEL --out FOLDER
int samples_command(cli::CommandLine& line);

}  // namespace dcgan::explore_tool
