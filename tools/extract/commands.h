#pragma once

#include "tools/cli/command_line.h"

namespace dcgan::extract_tool {

/// dcgan-extract IMAGES... -o FILE.h5
int extract_command(cli::CommandLine& line);
/// dcgan-extract merge -o ALL.h5 PART.h5...
int merge_command(cli::CommandLine& line);
/// dcgan-extract verify FILE.h5 [IMAGES...] [--rows K] [--model FILE]
int verify_command(cli::CommandLine& line);
/// dcgan-extract info FILE.h5
int info_command(cli::CommandLine& line);
/// dcgan-extract export FILE.h5 [--npy FILE] [--csv FILE]
int export_command(cli::CommandLine& line);

}  // namespace dcgan::extract_tool
