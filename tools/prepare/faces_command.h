#pragma once

namespace dcgan::tools {

/// dcgan-prepare faces.
int faces_command(int argc, const char* const* argv);

}  // namespace dcgan::tools
