#pragma once

namespace dcgan::tools {

/// dcgan-extract verify FILE.h5 [IMAGES...] [--rows K] [--model FILE]
int verify_command(int argc, const char* const* argv);

}  // namespace dcgan::tools
