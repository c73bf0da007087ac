#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dcgan/trainer.h"
#include "tools/cli/command_line.h"

namespace dcgan::train_tool {

/// Images that are packed for a run before it begins. If it does not begin, they are removed again.
class FreshImages {
 public:
  /// @param folder  of the run
  explicit FreshImages(std::string folder) : folder_(std::move(folder)) {}
  ~FreshImages();
  FreshImages(const FreshImages&) = delete;
  FreshImages& operator=(const FreshImages&) = delete;

  std::string file() const { return folder_ + "/data.new.h5"; }
  void run_begins();  ///< gives them their name in the run's folder

 private:
  std::string folder_;  ///< empty: they have their name
};

/// The packed images of a run whose --data is a folder or an archive: training reads its data in one way only, and a
/// resumed run sees the same images.
struct RunImages {
  std::string file;                    ///< packed images
  std::unique_ptr<FreshImages> fresh;  ///< if they were packed now
  bool all_packed = true;              ///< whether every image could be read
};

/// Whether --data is a folder, a .tar archive or an LMDB.
bool needs_packing(const std::string& path);

/// Refuses a new run that would write over what it reads.
/// @param packs  whether images are packed into its folder
/// @param read   gives paths of files, as of dcgan::refuse_own_input()
void refuse_own_input(const std::string& folder, bool packs, const std::function<std::vector<std::string>()>& read);

/// Packs `folder` into the folder of a new run, where it replaces nothing; of a run that is resumed, finds what was
/// packed.
/// @throws Error if the run was started from other data, or the images cannot be packed
RunImages pack_for_run(const std::string& folder, const TrainingRun& run, const cli::CommandLine& line);

}  // namespace dcgan::train_tool
