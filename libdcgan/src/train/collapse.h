#pragma once

#include <string>

#include "dcgan/trainer.h"

namespace dcgan::train {

/// Watches a training for the ways in which it stops teaching anything. The limits are ours: far
/// below the losses of trainings that went well (0.5 to 0.9 nats in docs/benchmarks.md).
class CollapseWatch {
 public:
  static constexpr double kWonLoss = 0.01;         ///< nats; real and generated are told apart with 99.5% each
  static constexpr int kWonReports = 10;           ///< in a row
  static constexpr double kAlikeDeviation = 0.05;  ///< of the samples, as a share of the images'
  static constexpr double kAlikeViews = 0.95;      ///< mean cosine of views of different images

  /// @return what is wrong, in one sentence; empty if nothing is, or if it was said before
  std::string observe(const StepReport& report);
  /// @param samples, images  mean over pixels of the standard deviation over generated and over real images
  std::string observe_spread(double samples, double images);

  /// What it remembers, for a checkpoint, and back: a resumed training is judged as one that was never stopped.
  std::string state() const;
  void restore(const std::string& state);

 private:
  std::string observe_views(const StepReport& report);

  int won_reports_ = 0;
  bool alike_ = false;
  bool views_alike_ = false;
};

}  // namespace dcgan::train
