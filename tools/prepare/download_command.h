#pragma once

namespace dcgan::tools {

/// dcgan-prepare download.
int download_command(int argc, const char* const* argv);

}  // namespace dcgan::tools
