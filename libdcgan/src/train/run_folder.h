#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "dcgan/safetensors.h"
#include "dcgan/trainer.h"
#include "store/event_file.h"

namespace dcgan::train {

constexpr const char* kFrechetDistance = "frechet_distance";  ///< in metrics.jsonl and TensorBoard
constexpr const char* kProbeScore = "probe_score";            ///< also in the record of best.safetensors

/// The files of a training run and the rules they follow.
class RunFolder {
 public:
  /// How many worked: recorded, and free on resume.
  struct Workers {
    int64_t threads = 1;    ///< of each process; roundings depend on it
    int64_t processes = 1;  ///< roundings depend on it, and batch norm's statistics unless they are synchronised
  };

  /// Creates the folder, or opens it, and keeps other trainings out of it. Nothing that is in it changes.
  /// @param options  JSON of everything that decides the run; a resume with another one is refused, naming what
  /// differs. A key that an older run has not recorded is taken to have had its default.
  RunFolder(const std::string& folder, const std::string& options, const Workers& workers, OutputMode mode);
  ~RunFolder();  ///< where no run began, it leaves nothing behind
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// The run begins: what an earlier one wrote is removed (kOverwrite), and the options of a new one are written,
  /// after `observer` was told. Comes before all below.
  void begin(const TrainObserver& observer);

  /// What the run was started with.
  const Workers& recorded_workers() const { return recorded_workers_; }

  std::string model_path() const { return path("model.safetensors"); }
  /// The newest checkpoint that can be read whole; step -1 if there was never one. Those after it, which are damaged,
  /// are set aside as .damaged with a message.
  /// @throws FileError if none of them can be read
  struct Checkpoint {
    int64_t step = -1;
    SafetensorsFile file;
  };
  Checkpoint newest_checkpoint(const TrainObserver& observer);
  /// The oldest one that can be read, step -1 if there is none.
  Checkpoint oldest_checkpoint(const TrainObserver& observer);
  /// Appears whole.
  void write_checkpoint(int64_t step, const SafetensorsFile& file) const;
  /// Removes all but the newest `keep`.
  void keep_newest(int64_t keep) const;
  /// Removes those of later steps, the newest last.
  void drop_checkpoints_after(int64_t step) const;

  /// What model.safetensors says of itself; step -1 if it cannot be read.
  struct ModelRecord {
    int64_t step = -1;
    int64_t rewinds = 0;  ///< how often the training had gone back
    bool has_generator_statistics = false;
  };
  ModelRecord model_record() const;

  /// Begins or goes on with metrics.jsonl and the TensorBoard events. What was logged after `step`, by a run that was
  /// killed past its last checkpoint, is dropped. Comes before those below.
  void open_log(int64_t step);
  void log(const StepReport& report);
  /// A line with one value.
  void log_measure(int64_t step, const char* name, double value);
  /// Whether a value of this name was logged at `step`.
  bool has_measure(int64_t step, const std::string& name) const;
  /// A line with the score of model.safetensors, which becomes best.safetensors, with the score in its record, unless
  /// the one that is there has as high a score.
  void log_probe(int64_t step, double score);
  /// A line with what was wrong with the training.
  void log_alarm(int64_t step, const std::string& alarm);
  /// samples/step-N.png, and the same picture in the events.
  void log_samples(int64_t step, const ImageBatch& samples, int64_t columns);

 private:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::vector<int64_t> checkpoint_steps() const;  // newest first
  std::string checkpoint_path(int64_t step) const;
  // Of these steps; those before it are then set aside. Step -1 if there is none.
  Checkpoint first_sound(const std::vector<int64_t>& steps, const TrainObserver& observer) const;
  void append_metrics(const std::string& line) const;

  std::string folder_;
  OutputMode mode_;
  bool holds_run_;
  bool begun_ = false;
  base::File lock_;
  Workers recorded_workers_;
  std::string options_;  ///< options.json of a new run; empty: an earlier run goes on
  std::optional<store::EventFile> events_;
  std::map<std::string, int64_t> last_measures_;  ///< step of the last value of each name
  double best_score_;                             ///< of best.safetensors; minus infinity if there is none
};

}  // namespace dcgan::train
