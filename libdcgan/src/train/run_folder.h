#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dcgan/safetensors.h"
#include "dcgan/trainer.h"
#include "store/files.h"
#include "train/event_file.h"

namespace dcgan::train {

/// The files of a training run and the rules they follow.
class RunFolder {
 public:
  /// How many worked: recorded, and free on resume.
  struct Workers {
    int64_t threads = 1;    ///< of each process; roundings depend on it
    int64_t processes = 1;  ///< roundings depend on it, and batch norm's statistics unless they are synchronised
  };

  /// Creates the folder, or opens it to resume, and keeps other trainings out of it.
  /// @param options  JSON of everything that decides the run; a resume with another one is refused, naming what
  /// differs. A key that an older run has not recorded is taken to have had its default.
  RunFolder(const std::string& folder, const std::string& options, const Workers& workers, TrainingRun::Mode mode);

  /// What the run was started with.
  const Workers& recorded_workers() const { return recorded_workers_; }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  /// The newest checkpoint that can be read whole; step -1 if there is none. Those after it, which are damaged, are
  /// removed with a message.
  struct Checkpoint {
    int64_t step = -1;
    SafetensorsFile file;
  };
  Checkpoint newest_checkpoint(TrainObserver& observer);
  /// The oldest one that is kept; those after it are removed.
  Checkpoint rewind();
  /// Appears whole; then all but the newest `keep` are removed.
  void write_checkpoint(int64_t step, const SafetensorsFile& file, int64_t keep) const;

  /// The step that model.safetensors was written at; -1 if it cannot be read.
  int64_t model_step() const;

  /// Begins or goes on with metrics.jsonl and the TensorBoard events. What was logged after `step`, by a run that was
  /// killed past its last checkpoint, is dropped. Comes before the two below.
  void open_log(int64_t step);
  void log(const StepReport& report);
  /// A line with one value.
  void log_measure(int64_t step, const char* name, double value);
  /// A line with the score of model.safetensors, which becomes best.safetensors if no earlier one was higher.
  void log_probe(int64_t step, double score);
  /// samples/step-N.png, and the same picture in the events.
  void log_samples(int64_t step, const ImageBatch& samples, int64_t columns);

 private:
  std::vector<int64_t> checkpoint_steps() const;  // newest first
  std::string checkpoint_path(int64_t step) const;
  void append_metrics(const std::string& line) const;

  std::string folder_;
  store::File lock_;
  Workers recorded_workers_;
  std::optional<EventFile> events_;
  double best_score_;
};

}  // namespace dcgan::train
