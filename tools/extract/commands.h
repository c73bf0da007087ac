#pragma once

namespace dcgan::extract_tool {

/// dcgan-extract IMAGES... -o FILE.h5
int extract_command(int argc, const char* const* argv);
/// dcgan-extract merge -o ALL.h5 PART.h5...
int merge_command(int argc, const char* const* argv);
/// dcgan-extract verify FILE.h5 [IMAGES...] [--rows K] [--model FILE]
int verify_command(int argc, const char* const* argv);
/// dcgan-extract export FILE.h5 [--npy FILE] [--csv FILE]
int export_command(int argc, const char* const* argv);

}  // namespace dcgan::extract_tool
