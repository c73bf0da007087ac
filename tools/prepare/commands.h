#pragma once

namespace dcgan::tools {

/// dcgan-prepare dedup.
int dedup_command(int argc, const char* const* argv);

}  // namespace dcgan::tools
