#pragma once

#include <string>

#include "train/collapse.h"
#include "train/run_folder.h"
#include "train/training.h"

namespace dcgan::train {

/// What a process does besides steps.
class Course {
 public:
  virtual ~Course() = default;
  /// @return whether the training was taken back to a checkpoint
  virtual bool report() = 0;
  /// Draws samples and looks at them. @return as report()
  virtual bool judge_samples() = 0;
  virtual void save() = 0;
};

/// Of the first process, which has the run folder.
class LeadingCourse : public Course {
 public:
  /// All must outlive this.
  struct Parts {
    const TrainingRun& run;
    Training& training;
    RunFolder& folder;
    TrainObserver& observer;
  };
  /// @param identity  run_identity()
  LeadingCourse(const Parts& parts, std::string identity) : parts_(parts), identity_(std::move(identity)) {}

  /// The newest checkpoint, or a message that there is none. @return whether there was one
  bool resume();
  /// What a killed run has not come to after its last checkpoint.
  void make_up();
  /// The files of a run of no steps.
  void finish();

  bool report() override;
  bool judge_samples() override;
  void save() override;

 private:
  at::Tensor write_samples();
  void write_checkpoint();
  void write_model();
  void measure();
  bool rewound(const std::string& collapse, bool may_go_on);

  Parts parts_;
  std::string identity_;
  CollapseWatch watch_;
};

/// Of a process that is not the first: it has no files, and takes its state from the first one.
class FollowingCourse : public Course {
 public:
  explicit FollowingCourse(Training& training) : training_(training) {}
  bool report() override {
    training_.report();
    return false;
  }
  bool judge_samples() override { return false; }
  void save() override {}

 private:
  Training& training_;
};

/// Steps until all are done or the observer stops them. The same in all processes: where one stops or goes back, all
/// do.
void run_steps(Training& training, const TrainingRun& run, TrainObserver& observer, Course& course);

}  // namespace dcgan::train
