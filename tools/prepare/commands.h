#pragma once

#include "tools/cli/command_line.h"

namespace dcgan::prepare_tool {

/// dcgan-prepare folder
int folder_command(cli::CommandLine& line);
/// dcgan-prepare imagenet32
int imagenet32_command(cli::CommandLine& line);
/// dcgan-prepare lsun
int lsun_command(cli::CommandLine& line);
/// dcgan-prepare faces
int faces_command(cli::CommandLine& line);
/// dcgan-prepare cifar10
int cifar10_command(cli::CommandLine& line);
/// dcgan-prepare svhn
int svhn_command(cli::CommandLine& line);
/// dcgan-prepare render
int render_command(cli::CommandLine& line);
/// dcgan-prepare dedup
int dedup_command(cli::CommandLine& line);
/// dcgan-prepare download
int download_command(cli::CommandLine& line);
/// dcgan-prepare info
int info_command(cli::CommandLine& line);
/// dcgan-prepare sheet
int sheet_command(cli::CommandLine& line);

}  // namespace dcgan::prepare_tool
