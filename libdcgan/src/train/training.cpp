#include "train/training.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dcgan/seeds.h"
#include "nn/device.h"
#include "nn/network_tensors.h"

namespace dcgan::train {
namespace {

constexpr int64_t kSamples = 100;  // a grid of 10 x 10, as in the paper's figures

}  // namespace

Training::Training(const TrainingRun& run, const PackedImageReader& images, const Processes& processes)
    : run_(run),
      reader_(images),
      processes_(processes),
      tf32_(run.options.precision),
      minibatches_({images, run.images_in_memory, processes.device()}, run.options.batch_size, run.seed),
      networks_(run, processes, processes.device()),
      pairs_(networks_, processes.count() == 1 ? processes.accelerator() : nullptr) {
  minibatches_.divide(processes.rank(), processes.count());
  at::globalContext().setBenchmarkCuDNN(true);  // the shapes are the same in every step
}

void Training::run_step() {
  // The authors' loop gives one minibatch to the generator's step, which uses its size alone, and the next to the
  // discriminator's.
  const bool alternating = run_.options.schedule == Schedule::kAlternating;
  const int64_t generator_position = alternating ? 2 * step_ : step_;
  const int64_t discriminator_position = alternating ? 2 * step_ + 1 : step_;
  PairInputs inputs;
  inputs.images = minibatches_.at(discriminator_position);
  inputs.discriminator_noise = noise_for(discriminator_position, "discriminator-noise");
  inputs.generator_noise = noise_for(generator_position, "generator-noise");
  inputs.learning_rate = nn::to_device(at::full({}, learning_rate(), at::kFloat), device());
  inputs.discriminator_size = minibatches_.size_of(discriminator_position);
  inputs.generator_size = minibatches_.size_of(generator_position);
  pairs_.update(inputs);
  images_in_report_ += inputs.discriminator_size;
  ++step_;
  ++steps_in_report_;
}

StepReport Training::report() {
  processes_.sum(networks_.sums());
  const int64_t summands = std::max<int64_t>(1, steps_in_report_) * processes_.count();
  const at::Tensor means = networks_.sums().div(static_cast<double>(summands)).to(at::kCPU);
  const float* m = means.const_data_ptr<float>();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - report_start_).count();
  const StepReport result = {step_, m[0], m[1], m[2],
                             m[3],  m[4], m[5], static_cast<double>(images_in_report_) / seconds};
  start_report();
  return result;
}

void Training::start_report() {
  networks_.sums().zero_();
  steps_in_report_ = images_in_report_ = 0;
  report_start_ = std::chrono::steady_clock::now();
}

SafetensorsFile Training::checkpoint() const {
  SafetensorsFile file;
  nn::store_tensors(networks_.state(), file.tensors);
  file.metadata = {
      {"format", "dcgan-checkpoint"}, {"step", std::to_string(step_)}, {"rewinds", std::to_string(rewinds_)}};
  return file;
}

void Training::restore(const RunFolder::Checkpoint& checkpoint) {
  nn::load_tensors(checkpoint.file.tensors, networks_.state());
  set_step(checkpoint.step);
  const auto rewinds = checkpoint.file.metadata.find("rewinds");
  set_rewinds(rewinds == checkpoint.file.metadata.end() ? 0 : std::stoll(rewinds->second));
}

void Training::rewind_to(const RunFolder::Checkpoint& checkpoint) {
  const int64_t rewinds = rewinds_ + 1;
  restore(checkpoint);
  set_rewinds(rewinds);
}

void Training::receive_from_first() {
  set_step(processes_.receive_from_first(step_));
  set_rewinds(processes_.receive_from_first(rewinds_));
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : networks_.state()) tensors.push_back(tensor);
  processes_.receive_from_first(tensors);
}

bool Training::all_go_back(bool first_has) {
  if (processes_.receive_from_first(first_has ? 1 : 0) == 0) return false;
  receive_from_first();
  start_report();
  return true;
}

ModelFile Training::model(const std::string& record) {
  const int64_t minibatches = infer_statistics();
  ModelFile model;
  model.architecture = run_.architecture;
  nn::store_networks(networks_.shown_discriminator(), networks_.shown_generator(), model);
  const nlohmann::ordered_json statistics = {
      {"source", "training images"}, {"minibatches", minibatches}, {"minibatch-size", nn::kStatisticsMinibatch}};
  model.statistics = statistics.dump();
  model.training = record;
  return model;
}

// @return the number of minibatches
int64_t Training::infer_statistics() {
  const std::vector<int64_t> order = shuffled_indices(reader_.count(), derive_seed(run_.seed, "statistics"));
  const auto wanted = static_cast<size_t>(run_.options.statistics_minibatches * nn::kStatisticsMinibatch);
  const size_t count = std::min(order.size(), wanted);
  nn::StatisticsAverage discriminator(networks_.shown_discriminator());
  nn::StatisticsAverage generator(networks_.shown_generator());
  for (size_t first = 0; first < count; first += nn::kStatisticsMinibatch) {
    const auto size = static_cast<int64_t>(std::min<size_t>(nn::kStatisticsMinibatch, count - first));
    discriminator.add(minibatches_.images().at(order.data() + first, size));
    generator.add(noise("statistics-noise", first, size));
  }
  discriminator.finish();
  generator.finish();
  return (static_cast<int64_t>(count) + nn::kStatisticsMinibatch - 1) / nn::kStatisticsMinibatch;
}

double Training::frechet_distance() {
  const at::NoGradGuard no_grad;
  if (!frechet_) {
    const int64_t count = std::min(run_.options.frechet_images, reader_.count());
    const auto real = [&](int64_t first, int64_t size) {
      std::vector<int64_t> rows;
      for (int64_t i = first; i < first + size; ++i) rows.push_back(i * reader_.count() / count);
      return minibatches_.images().at(rows.data(), size);
    };
    frechet_.emplace(real, count, run_.architecture.image_size, device());
  }
  return frechet_->to([&](int64_t first, int64_t size) {
    return networks_.shown_generator().forward(noise("frechet", static_cast<uint64_t>(first), size),
                                               nn::Statistics::kBatch);
  });
}

at::Tensor Training::samples() {
  const at::NoGradGuard no_grad;
  return networks_.shown_generator().forward(noise("samples", 0, kSamples), nn::Statistics::kBatch);
}

at::Tensor Training::images() { return minibatches_.at(0).slice(0, 0, kSamples); }

double Training::learning_rate() const {
  const int64_t left = run_.options.steps - step_;
  const int64_t decay = run_.options.decay_steps;
  const double share = left < decay ? static_cast<double>(left) / static_cast<double>(decay) : 1;
  return run_.options.learning_rate * share;
}

// The same in all of the run, whatever was gone back to.
at::Tensor Training::noise(std::string_view purpose, uint64_t position, int64_t count) const {
  return nn::to_device(nn::draw_noise(run_.architecture, count, derive_seed(run_.seed, purpose, position)), device());
}

// This process's part of a step's noise for the minibatch at `position`.
at::Tensor Training::noise_for(int64_t position, std::string_view purpose) const {
  const int64_t size = minibatches_.size_of(position);
  const Part part = minibatches_.part_of(size);
  const at::Tensor whole =
      nn::draw_noise(run_.architecture, size, derive_seed(seed_, purpose, static_cast<uint64_t>(step_)));
  return nn::to_device(whole.narrow(0, part.first, part.size), device());
}

void Training::set_step(int64_t step) {
  step_ = step;
  networks_.set_updates(step);
}

void Training::set_rewinds(int64_t rewinds) {
  rewinds_ = rewinds;
  seed_ = rewinds == 0 ? run_.seed : derive_seed(run_.seed, "rewind", static_cast<uint64_t>(rewinds));
  minibatches_.reseed(seed_);
}

}  // namespace dcgan::train
