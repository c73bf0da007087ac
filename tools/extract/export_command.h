#pragma once

namespace dcgan::tools {

/// dcgan-extract export FILE.h5 [--npy OUT.npy] [--csv OUT.csv]
int export_command(int argc, const char* const* argv);

}  // namespace dcgan::tools
