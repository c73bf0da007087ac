#pragma once

namespace dcgan::explore_tool {

/// dcgan-explore samples --model MODEL --out FOLDER
int samples_command(int argc, const char* const* argv);

}  // namespace dcgan::explore_tool
