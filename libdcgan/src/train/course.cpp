#include "train/course.h"

#include <ATen/ops/std.h>

#include <chrono>
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
  parts_.observer.on_message(text_of("Resumed after step ", checkpoint.step, "."));
  return true;
}

void LeadingCourse::make_up() {
  if (parts_.training.step() == 0) return;
  const RunFolder::ModelRecord model = parts_.folder.model_record();
  if (!has_model() || !model.has_generator_statistics) write_model(true);
  measure();
}

bool LeadingCourse::report(bool judged) {
  const StepReport r = parts_.training.report();
  if (!std::isfinite(r.discriminator_loss + r.generator_loss + r.contrastive_loss + r.rotation_loss +
                     r.discriminator_gradient + r.generator_gradient)) {
    return rewound("losses or gradients are not finite.", false);
  }
  parts_.folder.log(r);
  parts_.observer.on_report(r);
  return judged && rewound(watch_.observe(r), true);
}

bool LeadingCourse::draw_samples(bool judged) {
  if (!parts_.run.options.has_generator()) return false;
  const at::Tensor samples = write_samples();
  return judged && rewound(watch_.observe_spread(spread(samples), spread(parts_.training.images())), true);
}

void LeadingCourse::save(bool last) {
  write_checkpoint();
  parts_.folder.keep_newest(parts_.run.options.keep_checkpoints);
  write_model(last);
  measure();
}

void LeadingCourse::finish() {
  if (has_model()) return;
  if (parts_.run.options.has_generator()) write_samples();
  save(true);
}

at::Tensor LeadingCourse::write_samples() {
  at::Tensor samples = parts_.training.samples();
  parts_.folder.log_samples(parts_.training.step(), nn::image_batch_from(samples, parts_.run.architecture.input),
                            kSampleColumns);
  return samples;
}

void LeadingCourse::write_checkpoint() {
  SafetensorsFile file = parts_.training.checkpoint();
  file.metadata[kCollapse] = watch_.state();
  parts_.folder.write_checkpoint(parts_.training.step(), file);
}

void LeadingCourse::write_model(bool generator_statistics) {
  nlohmann::ordered_json record = nlohmann::ordered_json::parse(identity_);
  record["step"] = parts_.training.step();
  if (parts_.training.rewinds() > 0) record["rewinds"] = parts_.training.rewinds();
  save_model(parts_.folder.model_path(), parts_.training.model(record.dump(), generator_statistics));
}

// Of this step, and of the course that the training took after it last went back.
bool LeadingCourse::has_model() const {
  const RunFolder::ModelRecord model = parts_.folder.model_record();
  return model.step == parts_.training.step() && model.rewinds == parts_.training.rewinds();
}

void LeadingCourse::measure() {
  const int64_t step = parts_.training.step();
  const bool compares_samples = parts_.run.options.has_generator() && parts_.run.options.frechet_images > 0;
  if (compares_samples && !parts_.folder.has_measure(step, kFrechetDistance)) {
    parts_.folder.log_measure(step, kFrechetDistance, parts_.training.frechet_distance());
  }
  if (parts_.folder.has_measure(step, kProbeScore)) return;
  const std::optional<double> score = parts_.observer.probe(parts_.folder.model_path());
  if (!score) return;
  if (!parts_.folder.model_record().has_generator_statistics) write_model(true);  // it may become the best
  parts_.folder.log_probe(step, *score);
}

// @return whether the training was taken back to a checkpoint
bool LeadingCourse::rewound(const std::string& collapse, bool may_go_on) {
  if (collapse.empty()) return false;
  auto& [run, training, folder, observer] = parts_;
  const std::string message = text_of("At step ", training.step(), " ", collapse);
  if (run.options.on_collapse == OnCollapse::kWarn && may_go_on) {
    folder.log_alarm(training.step(), message);
    observer.on_message(message);
    return false;
  }
  constexpr int64_t kMostRewinds = 3;
  const bool again = run.options.on_collapse == OnCollapse::kRewind && training.rewinds() < kMostRewinds;
  const RunFolder::Checkpoint checkpoint = again ? folder.oldest_checkpoint(observer) : RunFolder::Checkpoint();
  if (checkpoint.step < 0) {
    folder.log_alarm(training.step(), message);
    throw Error(message, " Checkpoints that were written before are kept in ", run.folder,
                ". Start anew in another folder: a lower --learning-rate or another --seed may help.");
  }
  training.rewind_to(checkpoint);
  watch_ = CollapseWatch();
  // A kill in between does not undo that it went back: before the last of the later checkpoints is removed, what is
  // resumed comes to the same collapse, and goes back to this one.
  write_checkpoint();
  folder.drop_checkpoints_after(checkpoint.step);
  folder.open_log(checkpoint.step);
  const std::string whole = text_of(message, " Going back to step ", checkpoint.step, ", with other noise.");
  folder.log_alarm(checkpoint.step, whole);
  observer.on_message(whole);
  return true;
}

void run_steps(Training& training, const TrainingRun& run, const TrainObserver& observer, Course& course) {
  training.start_clock();
  bool stop = false;
  while (training.step() < run.options.steps && !stop) {
    training.run_step();
    const int64_t step = training.step();
    observer.on_step(step, run.options.steps);
    stop = training.processes().any(observer.should_stop());
    const bool last = stop || step == run.options.steps;
    const bool save_now = last || step % run.options.checkpoint_every == 0;
    const bool report_ends = step % run.options.log_every == 0;
    if (save_now || report_ends) {  // what is not finite or has collapsed is not saved
      if (training.all_go_back(course.report(report_ends))) continue;
      if (report_ends) training.start_report();
    }
    const bool grid_is_due = step % run.options.sample_every == 0;
    if (last || grid_is_due) {
      if (training.all_go_back(course.draw_samples(grid_is_due))) continue;
    }
    if (save_now) {
      const auto start = std::chrono::steady_clock::now();
      course.save(last);
      training.leave_out(std::chrono::steady_clock::now() - start);
    }
  }
}

}  // namespace dcgan::train
