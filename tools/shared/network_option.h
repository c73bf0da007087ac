#pragma once

#include "dcgan/architecture.h"

namespace dcgan::tools {

/// --network and --generator-network may be a list's text or name a file with it: text, or JSON: an array of steps, or
/// an object with "network", "generator-network" and other options of an architecture by their flags, which are set in
/// `options` as well.
/// @throws FileError for a file that is none of these
void read_networks(ArchitectureOptions& options);

}  // namespace dcgan::tools
