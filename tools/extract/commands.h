#pragma once

namespace dcgan::tools {

/// dcgan-extract merge -o ALL.h5 PART.h5...
int merge_command(int argc, const char* const* argv);

}  // namespace dcgan::tools
