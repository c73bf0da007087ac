#pragma once

#include "tools/cli/command_line.h"

namespace dcgan::train_tool {

/// dcgan-train --data IMAGES --out RUN
int train_command(cli::CommandLine& line);
/// dcgan-train report RUN: one HTML file about a run, which needs nothing but itself
int report_command(cli::CommandLine& line);

}  // namespace dcgan::train_tool
