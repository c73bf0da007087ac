#pragma once

#include <cstdint>
#include <string>

#include "dcgan/trainer.h"
#include "tools/cli/command_line.h"

namespace dcgan::train_tool {

/// The packed images of a run whose --data is a folder or an archive: training reads its data in one way only, and a
/// resumed run sees the same images.
struct RunImages {
  std::string file;        ///< packed images
  std::string name;        ///< what `file` must be renamed to when the run begins; empty: it has its name
  bool all_packed = true;  ///< whether every image could be read
};

/// Whether --data is a folder, a .tar archive or an LMDB.
bool needs_packing(const std::string& path);

/// Packs `folder` into the folder of a new run, where it replaces nothing; of a run that is resumed, finds what was
/// packed.
/// @throws Error if the run was started from other data, or the images cannot be packed
RunImages pack_for_run(const std::string& folder, const TrainingRun& run, const cli::CommandLine& line);

}  // namespace dcgan::train_tool
