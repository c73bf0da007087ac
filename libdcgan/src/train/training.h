#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "dcgan/model_file.h"
#include "dcgan/packed_images.h"
#include "dcgan/trainer.h"
#include "nn/precision.h"
#include "train/frechet.h"
#include "train/minibatches.h"
#include "train/processes.h"
#include "train/recorded_pairs.h"
#include "train/run_folder.h"
#include "train/trained_networks.h"

namespace dcgan::train {

/// One training in memory: the networks with their optimisers, the images, and the step. It decides what each step is
/// given, a function of the seed and the step, and knows no files.
class Training {
 public:
  /// All must outlive this.
  struct Parts {
    const TrainingRun& run;
    const PackedImageReader& images;
    const Processes& processes;
    const TrainObserver& observer;  ///< told where steps cannot be recorded
  };
  explicit Training(const Parts& parts);

  int64_t step() const { return step_; }
  int64_t rewinds() const { return rewinds_; }
  int64_t discriminator_parameters() const { return nn::count(networks_.discriminator().parameters()); }
  int64_t generator_parameters() const { return nn::count(networks_.generator().parameters()); }
  const Processes& processes() const { return processes_; }
  c10::Device device() const { return processes_.device(); }
  ImagePlace image_place() const { return image_place_; }

  /// The weights that --initialise names, before the first step.
  /// @param observer  told what comes next, and asked whether to stop
  /// @return whether they stand
  /// @throws Error or FileError if the images or the model do not fit
  bool initialise(const TrainObserver& observer);

  /// One pair of updates, or one of the discriminator alone.
  void run_step();

  /// Means since start_report(), over all processes. The only point at which the host waits for the device.
  StepReport report();
  void start_report();
  /// Images a second are counted from here on.
  void start_clock();
  /// Time that no steps took.
  void leave_out(std::chrono::steady_clock::duration time) { clock_start_ += time; }

  /// Also of the report under way, as report() found it last.
  SafetensorsFile checkpoint() const;
  void restore(const RunFolder::Checkpoint& checkpoint);
  /// Goes on from a checkpoint with other noise and another order of the images than the run had after it.
  void rewind_to(const RunFolder::Checkpoint& checkpoint);
  /// All processes take what the first one has.
  void receive_from_first();
  /// Whether the first process has gone back to a checkpoint; then all go there.
  bool all_go_back(bool first_has);

  /// The model of this step. Its batch-norm statistics are averages over the run's own images and noise, the same ones
  /// at every call.
  /// @param record                 of the training, JSON
  /// @param generator_statistics  false: left out, and the model's record says so; they take as long as a few steps
  ModelFile model(const std::string& record, bool generator_statistics);

  /// Fréchet distance between images of the run, spread evenly, and as many samples of always the same noise.
  double frechet_distance();

  /// Samples of always the same noise, normalised by their own statistics as the authors do: float32 [N, 3, H, W].
  at::Tensor samples();
  /// As many images of the first minibatch, of the same shape.
  at::Tensor images() { return minibatches_.at(0).slice(0, 0, kSamples); }

 private:
  static constexpr int64_t kSamples = 100;  // a grid of 10 x 10, as in the paper's figures

  at::Tensor noise(std::string_view purpose, uint64_t position, int64_t count) const;
  at::Tensor noise_for(int64_t position, std::string_view purpose) const;
  at::Tensor augmentation_for(int64_t position, std::string_view purpose) const;
  at::Tensor part_on_device(const at::Tensor& whole) const;
  void set_step(int64_t step);
  void set_rewinds(int64_t rewinds);

  const TrainingRun& run_;
  const PackedImageReader& reader_;
  const Processes& processes_;
  uint64_t seed_ = run_.seed;  ///< of noise and order; another one after a rewind
  int64_t rewinds_ = 0;
  nn::Tf32Scope tf32_;
  ImagePlace image_place_;
  Minibatches minibatches_;
  TrainedNetworks networks_;
  RecordedPairs pairs_;
  std::optional<FrechetDistance> frechet_;  ///< once it was asked for
  int64_t step_ = 0;
  bool has_statistics_ = false;  ///< the discriminator, of this step

  int64_t steps_in_report_ = 0;
  at::Tensor sums_of_all_;  ///< float32 [processes, values of a report] on the CPU, as report() found them
  int64_t images_by_clock_ = 0;
  std::chrono::steady_clock::time_point clock_start_ = std::chrono::steady_clock::now();
};

}  // namespace dcgan::train
