#include "train/course.h"

#include <ATen/ops/std.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "nn/network_tensors.h"

namespace dcgan::train {
namespace {

constexpr int64_t kSampleColumns = 10;
constexpr const char* kCollapse = "collapse";  // in a checkpoint's metadata

// Mean over pixels of the standard deviation over the images.
double spread(const at::Tensor& images) { return images.std(0).mean().item<double>(); }

}  // namespace

bool LeadingCourse::resume() {
  const RunFolder::Checkpoint checkpoint = parts_.folder.newest_checkpoint(parts_.observer);
  if (checkpoint.step < 0) {
    parts_.observer.on_message("No checkpoint yet: starting at step 0.");
    return false;
  }
  parts_.training.restore(checkpoint);
  const auto collapse = checkpoint.file.metadata.find(kCollapse);
  if (collapse != checkpoint.file.metadata.end()) watch_.restore(collapse->second);
  parts_.observer.on_message("Resumed after step " + std::to_string(checkpoint.step) + ".");
  return true;
}

void LeadingCourse::make_up() {
  if (parts_.training.step() == 0) return;
  if (parts_.folder.model_step() != parts_.training.step()) write_model();
  measure();
}

bool LeadingCourse::report() {
  const StepReport r = parts_.training.report();
  if (!std::isfinite(r.discriminator_loss + r.generator_loss + r.contrastive_loss + r.discriminator_gradient +
                     r.generator_gradient)) {
    return rewound("losses or gradients are not finite.", false);
  }
  parts_.folder.log(r);
  parts_.observer.on_report(r);
  return rewound(watch_.observe(r), true);
}

bool LeadingCourse::judge_samples() {
  if (!parts_.run.options.has_generator()) return false;
  return rewound(watch_.observe_spread(spread(write_samples()), spread(parts_.training.images())), true);
}

void LeadingCourse::save() {
  write_checkpoint();
  write_model();
  measure();
}

void LeadingCourse::finish() {
  if (parts_.folder.model_step() == parts_.training.step()) return;
  if (parts_.run.options.has_generator()) write_samples();
  save();
}

at::Tensor LeadingCourse::write_samples() {
  at::Tensor samples = parts_.training.samples();
  parts_.folder.log_samples(parts_.training.step(), nn::image_batch_from(samples), kSampleColumns);
  return samples;
}

void LeadingCourse::write_checkpoint() {
  SafetensorsFile file = parts_.training.checkpoint();
  file.metadata[kCollapse] = watch_.state();
  parts_.folder.write_checkpoint(parts_.training.step(), file, parts_.run.options.keep_checkpoints);
}

void LeadingCourse::write_model() {
  nlohmann::ordered_json record = nlohmann::ordered_json::parse(identity_);
  record["step"] = parts_.training.step();
  save_model(parts_.folder.model_path(), parts_.training.model(record.dump()));
}

void LeadingCourse::measure() {
  const int64_t step = parts_.training.step();
  const bool compares_samples = parts_.run.options.has_generator() && parts_.run.options.frechet_images > 0;
  if (compares_samples && !parts_.folder.has_measure(step, kFrechetDistance)) {
    parts_.folder.log_measure(step, kFrechetDistance, parts_.training.frechet_distance());
  }
  if (parts_.folder.has_measure(step, kProbeScore)) return;
  if (const std::optional<double> score = parts_.observer.probe(parts_.folder.model_path())) {
    parts_.folder.log_probe(step, *score);
  }
}

// @return whether the training was taken back to a checkpoint
bool LeadingCourse::rewound(const std::string& collapse, bool may_go_on) {
  if (collapse.empty()) return false;
  auto& [run, training, folder, observer] = parts_;
  const std::string message = "At step " + std::to_string(training.step()) + " " + collapse;
  if (run.options.on_collapse == OnCollapse::kWarn && may_go_on) {
    folder.log_alarm(training.step(), message);
    observer.on_message(message);
    return false;
  }
  constexpr int64_t kMostRewinds = 3;
  const bool again = run.options.on_collapse == OnCollapse::kRewind && training.rewinds() < kMostRewinds;
  const RunFolder::Checkpoint checkpoint = again ? folder.rewind(observer) : RunFolder::Checkpoint();
  if (checkpoint.step < 0) {
    folder.log_alarm(training.step(), message);
    throw Error(message + " Checkpoints that were written before are kept in " + run.folder +
                ". Start anew in another folder: a lower --learning-rate or another --seed may help.");
  }
  training.rewind_to(checkpoint);
  folder.open_log(checkpoint.step);
  watch_ = CollapseWatch();
  write_checkpoint();  // a kill does not undo that it went back
  const std::string whole = message + " Going back to step " + std::to_string(checkpoint.step) + ", with other noise.";
  folder.log_alarm(checkpoint.step, whole);
  observer.on_message(whole);
  return true;
}

void run_steps(Training& training, const TrainingRun& run, TrainObserver& observer, Course& course) {
  training.start_report();
  bool stop = false;
  while (training.step() < run.options.steps && !stop) {
    training.run_step();
    const int64_t step = training.step();
    observer.on_step(step, run.options.steps);
    stop = training.processes().any(observer.should_stop());
    const bool last = stop || step == run.options.steps;
    const bool save_now = last || step % run.options.checkpoint_every == 0;
    if (save_now || step % run.options.log_every == 0) {
      if (training.all_go_back(course.report())) continue;  // what is not finite or has collapsed is not saved
    }
    if (last || step % run.options.sample_every == 0) {
      if (training.all_go_back(course.judge_samples())) continue;
    }
    if (save_now) {
      course.save();
      training.start_report();  // the time of saving is not that of the next steps
    }
  }
}

}  // namespace dcgan::train
