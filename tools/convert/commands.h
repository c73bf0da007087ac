#pragma once

#include "tools/cli/command_line.h"

namespace dcgan::convert_tool {

/// dcgan-convert released DIR -o MODEL
int released_command(cli::CommandLine& line);
/// dcgan-convert state-dict FILE... -o MODEL
int state_dict_command(cli::CommandLine& line);
/// dcgan-convert model MODEL -o MODEL
int model_command(cli::CommandLine& line);
/// dcgan-convert equalise MODEL -o MODEL --statistics-from IMAGES
int equalise_command(cli::CommandLine& line);
/// dcgan-convert onnx MODEL -o FILE.onnx
int onnx_command(cli::CommandLine& line);
/// dcgan-convert info MODEL
int info_command(cli::CommandLine& line);

}  // namespace dcgan::convert_tool
