#include "train/training.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dcgan/seeds.h"
#include "nn/device.h"
#include "nn/network_tensors.h"
#include "train/contrastive.h"
#include "train/data_start.h"
#include "train/schedule.h"
#include "train/views.h"

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
  minibatches_.reduce_to(run.architecture.image_size);
  if (run.options.contrastive > 0) minibatches_.set_least(kLeastContrasted);
  at::globalContext().setBenchmarkCuDNN(true);  // the shapes are the same in every step
}

void Training::run_step() {
  // The authors' loop gives one minibatch to the generator's step, which uses its size alone, and the next to the
  // discriminator's. Without a generator there is one step, and one minibatch.
  const bool has_generator = run_.options.has_generator();
  const bool alternating = has_generator && run_.options.schedule == Schedule::kAlternating;
  const int64_t generator_position = alternating ? 2 * step_ : step_;
  const int64_t discriminator_position = alternating ? 2 * step_ + 1 : step_;
  PairInputs inputs;
  inputs.discriminator_size = minibatches_.size_of(discriminator_position);
  inputs.discriminator_first = minibatches_.part_of(inputs.discriminator_size).first;
  const TrainOptions& o = run_.options;
  const double share = rate_share(o, step_);
  const auto scalar = [&](double value) { return nn::to_device(at::full({}, value, at::kFloat), device()); };
  inputs.learning_rate = scalar(o.learning_rate * share);
  if (has_generator) {
    inputs.images = minibatches_.at(discriminator_position);
    inputs.discriminator_noise = noise_for(discriminator_position, "discriminator-noise");
    inputs.generator_noise = noise_for(generator_position, "generator-noise");
    inputs.generator_size = minibatches_.size_of(generator_position);
    const double rate = o.generator_learning_rate > 0 ? o.generator_learning_rate : o.learning_rate;
    inputs.generator_learning_rate = scalar(rate * share);
  }
  if (run_.options.contrastive > 0) {
    const ViewedImages viewed = {minibatches_.pixels_at(discriminator_position).to(at::kCPU),
                                 derive_seed(seed_, "views", static_cast<uint64_t>(step_)), inputs.discriminator_first};
    inputs.views = nn::to_device(two_views(viewed, run_.architecture.image_size), device());
  }
  pairs_.update(inputs);
  images_in_report_ += inputs.discriminator_size;
  ++step_;
  ++steps_in_report_;
}

void Training::initialise(const std::function<void(const std::string&)>& say) {
  const std::string& from = run_.options.initialise;
  if (from == TrainOptions::kRandomStart) return;
  nn::Discriminator discriminator = nn::make_discriminator(run_.architecture, run_.seed);  // on the CPU
  if (from == TrainOptions::kPatchesStart) {
    start_from_patches(discriminator, minibatches_.images(), run_.seed, say);
    return networks_.start_from(discriminator.parameters());
  }
  const ModelFile model = load_model(from);
  start_from_model(discriminator.parameters(), model, from);
  networks_.start_from(discriminator.parameters());
  say("The discriminator starts from " + from + ".");
  if (!model.has_generator || !run_.options.has_generator()) return;
  const nn::Generator generator = nn::make_generator(run_.architecture, run_.seed);
  start_from_model(generator.parameters(), model, from);
  networks_.start_from(generator.parameters());
  say("The generator starts from " + from + ".");
}

StepReport Training::report() {
  processes_.sum(networks_.sums());
  const int64_t summands = std::max<int64_t>(1, steps_in_report_) * processes_.count();
  const at::Tensor means = networks_.sums().div(static_cast<double>(summands)).to(at::kCPU);
  const float* m = means.const_data_ptr<float>();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - report_start_).count();
  StepReport result;
  result.step = step_;
  result.discriminator_loss = m[0];
  result.generator_loss = m[1];
  result.real_probability = m[2];
  result.fake_probability = m[3];
  result.discriminator_gradient = m[4];
  result.generator_gradient = m[5];
  result.contrastive_loss = m[6];
  result.partner_found = m[7];
  result.view_similarity = m[8];
  result.images_per_second = static_cast<double>(images_in_report_) / seconds;
  result.has_generator = run_.options.has_generator();
  result.contrastive = run_.options.contrastive > 0;
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
      {"source", "training images"}, {"minibatches", minibatches}, {"minibatch-size", kStatisticsMinibatch}};
  model.statistics = statistics.dump();
  model.training = record;
  return model;
}

// @return the number of minibatches
int64_t Training::infer_statistics() {
  const std::vector<int64_t> order = shuffled_indices(reader_.count(), derive_seed(run_.seed, "statistics"));
  const auto wanted = static_cast<size_t>(run_.options.statistics_minibatches * kStatisticsMinibatch);
  const size_t count = std::min(order.size(), wanted);
  nn::StatisticsAverage discriminator(networks_.shown_discriminator());
  nn::StatisticsAverage generator(networks_.shown_generator());
  const bool has_generator = run_.options.has_generator();
  for (size_t first = 0; first < count; first += kStatisticsMinibatch) {
    const auto size = static_cast<int64_t>(std::min<size_t>(kStatisticsMinibatch, count - first));
    discriminator.add(minibatches_.images().at(order.data() + first, size));
    if (has_generator) generator.add(noise("statistics-noise", first, size));
  }
  discriminator.finish();
  if (has_generator) generator.finish();
  return (static_cast<int64_t>(count) + kStatisticsMinibatch - 1) / kStatisticsMinibatch;
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
