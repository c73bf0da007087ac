#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dcgan/safetensors.h"
#include "dcgan/trainer.h"

namespace dcgan::train {

/// The files of a training run and the rules they follow.
class RunFolder {
 public:
  /// Creates the folder, or opens it to resume.
  /// @param options  JSON of everything that decides the run; a resume with another one is refused, naming what differs
  RunFolder(const std::string& folder, const std::string& options, TrainingRun::Mode mode);

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string sample_path(int64_t step) const;

  /// The newest checkpoint that can be read whole; step -1 if there is none. A damaged one is passed over with a
  /// message.
  struct Checkpoint {
    int64_t step = -1;
    SafetensorsFile file;
  };
  Checkpoint newest_checkpoint(TrainObserver& observer) const;
  /// Appears whole; then all but the newest `keep` are removed.
  void write_checkpoint(int64_t step, const SafetensorsFile& file, int64_t keep) const;

  /// Drops lines of metrics.jsonl after `step`: what a run that was killed had logged past its last checkpoint.
  void cut_metrics(int64_t step) const;
  void append_metrics(const StepReport& report) const;

 private:
  std::vector<int64_t> checkpoint_steps() const;  // newest first
  std::string checkpoint_path(int64_t step) const;

  std::string folder_;
};

}  // namespace dcgan::train
