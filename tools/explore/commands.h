#pragma once

#include "tools/cli/command_line.h"

namespace dcgan::explore_tool {

/// dcgan-explore samples --model MODEL --out FOLDER
int samples_command(cli::CommandLine& line);

/// dcgan-explore walk --model MODEL --out FOLDER
int walk_command(cli::CommandLine& line);

/// dcgan-explore arithmetic --model MODEL --z FILE --a I,J,K --b ... --c ... --out FOLDER
int arithmetic_command(cli::CommandLine& line);

/// dcgan-explore turn --model MODEL --z FILE --from I,J,K,L --to ... --out FOLDER
int turn_command(cli::CommandLine& line);

/// dcgan-explore filters --model MODEL --out FOLDER
int filters_command(cli::CommandLine& line);

/// dcgan-explore neighbours QUERY... --features FILE --out FOLDER
int neighbours_command(cli::CommandLine& line);

/// dcgan-explore maps IMAGE --out FOLDER
int maps_command(cli::CommandLine& line);

/// dcgan-explore guided IMAGES... --out FOLDER
int guided_command(cli::CommandLine& line);

/// dcgan-explore drop --model MODEL --boxes FILE --out FOLDER
int drop_command(cli::CommandLine& line);

/// dcgan-explore drop annotate --model MODEL --boxes FILE
int annotate_command(cli::CommandLine& line);

}  // namespace dcgan::explore_tool
