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
  /// @param judged  whether what is seen may count as a collapse: at steps that are the same however often the training
  ///                was stopped on its way. What is not finite always does
  /// @return whether the training was taken back to a checkpoint
  virtual bool report(bool judged) = 0;
  /// Draws samples. @param judged, @return  as of report()
  virtual bool draw_samples(bool judged) = 0;
  /// @param last  the training ends here: its model will be looked at
  virtual void save(bool last) = 0;
};

/// Of the first process, which has the run folder.
class LeadingCourse : public Course {
 public:
  /// All must outlive this.
  struct Parts {
    const TrainingRun& run;
    Training& training;
    RunFolder& folder;
    const TrainObserver& observer;
  };
  /// @param identity  run_identity()
  LeadingCourse(const Parts& parts, std::string identity) : parts_(parts), identity_(std::move(identity)) {}

  /// The newest checkpoint, or a message that there is none. @return whether there was one
  bool resume();
  /// What a killed run has not come to after its last checkpoint.
  void make_up();
  /// The files of a run of no steps.
  void finish();

  bool report(bool judged) override;
  bool draw_samples(bool judged) override;
  void save(bool last) override;

 private:
  at::Tensor write_samples();
  void write_checkpoint();
  void write_model(bool generator_statistics);
  bool has_model() const;
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
  bool report(bool /*judged*/) override {
    training_.report();
    return false;
  }
  bool draw_samples(bool /*judged*/) override { return false; }
  void save(bool /*last*/) override {}

 private:
  Training& training_;
};

/// Steps until all are done or the observer stops them. The same in all processes: where one stops or goes back, all
/// do.
void run_steps(Training& training, const TrainingRun& run, const TrainObserver& observer, Course& course);

}  // namespace dcgan::train
