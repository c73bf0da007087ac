#include "train/training.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dcgan/seeds.h"
#include "models/generator_statistics.h"
#include "nn/device.h"
#include "nn/network_tensors.h"
#include "train/augmentation.h"
#include "train/contrastive.h"
#include "train/data_start.h"
#include "train/memory_need.h"
#include "train/schedule.h"
#include "train/views.h"

namespace dcgan::train {
namespace {

constexpr const char* kRewinds = "rewinds";  // in a checkpoint's metadata
constexpr const char* kReportSteps = "report-steps";
constexpr const char* kReportSums = "report.sums";  // a tensor

// Null where nothing is recorded: of several processes, sums over the network are part of a step.
const Accelerator* accelerator_of(const TrainingRun& run, const Processes& processes) {
  return processes.count() == 1 && run.options.cuda_graphs != CudaGraphs::kOff ? processes.accelerator() : nullptr;
}

RecordedPairs::Tell tell_unless_on(const TrainingRun& run, const TrainObserver& observer) {
  if (run.options.cuda_graphs == CudaGraphs::kOn) return nullptr;
  return [&observer](const std::string& line) { observer.on_message(line); };
}

}  // namespace

Training::Training(const Parts& parts)
    : run_(parts.run),
      reader_(parts.images),
      processes_(parts.processes),
      tf32_(run_.options.precision),
      image_place_(place_of_images(run_, memory_need(run_, reader_), nn::free_memory(device()))),
      minibatches_({reader_, image_place_, device()}, run_.options.batch_size, run_.seed),
      networks_(run_, processes_, device()),
      pairs_(networks_, accelerator_of(run_, processes_), tell_unless_on(run_, parts.observer)) {
  minibatches_.divide(processes_.rank(), processes_.count());
  minibatches_.reduce_to(run_.architecture.image_size);
  minibatches_.scale_as(run_.architecture.input);
  if (run_.options.contrastive > 0) minibatches_.set_least(kLeastContrasted);
  start_report();
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
  const at::Tensor pixels = minibatches_.pixels_at(discriminator_position);
  if (has_generator || o.rotation > 0) inputs.images = minibatches_.images().on_device(pixels);
  if (has_generator) {
    inputs.discriminator_noise = noise_for(discriminator_position, "discriminator-noise");
    inputs.generator_noise =
        o.shared_noise ? inputs.discriminator_noise : noise_for(generator_position, "generator-noise");
    inputs.generator_size = minibatches_.size_of(generator_position);
    const double rate = o.generator_learning_rate > 0 ? o.generator_learning_rate : o.learning_rate;
    inputs.generator_learning_rate = scalar(rate * share);
  }
  if (has_generator && o.augment) {
    inputs.real_augmentation = augmentation_for(discriminator_position, "real-augmentation");
    inputs.fake_augmentation = augmentation_for(discriminator_position, "fake-augmentation");
    inputs.generator_augmentation = augmentation_for(generator_position, "generator-augmentation");
  }
  if (run_.options.contrastive > 0) {
    const uint64_t seed = derive_seed(seed_, "views", static_cast<uint64_t>(step_));
    inputs.views =
        two_views({nn::to_device(pixels, device()), seed, inputs.discriminator_first}, run_.architecture.image_size);
  }
  if (step_ + 1 < run_.options.steps) minibatches_.read_ahead(discriminator_position + (alternating ? 2 : 1));
  pairs_.update(inputs);
  minibatches_.wait();
  images_by_clock_ += inputs.discriminator_size;
  has_statistics_ = false;
  ++step_;
  ++steps_in_report_;
}

bool Training::initialise(const TrainObserver& observer) {
  const std::string& from = run_.options.initialise;
  if (from == TrainOptions::kRandomStart) return true;
  nn::Discriminator discriminator = nn::make_discriminator(run_.architecture, run_.seed);  // on the CPU
  if (from == TrainOptions::kPatchesStart) {
    if (!start_from_patches(discriminator, minibatches_.images(), run_.seed, observer)) return false;
    networks_.start_from(discriminator.parameters());
    return true;
  }
  const ModelFile model = load_model(from);
  start_from_model(discriminator.parameters(), model, from);
  networks_.start_from(discriminator.parameters());
  observer.on_message("The discriminator starts from " + from + ".");
  if (!model.has_generator || !run_.options.has_generator()) return true;
  const nn::Generator generator = nn::make_generator(run_.architecture, run_.seed);
  start_from_model(generator.parameters(), model, from);
  networks_.start_from(generator.parameters());
  observer.on_message("The generator starts from " + from + ".");
  return true;
}

StepReport Training::report() {
  // Rows of their own: added up on the way, they would be rounded otherwise where the training stops here and goes on.
  sums_of_all_.zero_();
  sums_of_all_[processes_.rank()].copy_(networks_.sums());
  processes_.sum(sums_of_all_);
  const int64_t summands = std::max<int64_t>(1, steps_in_report_) * processes_.count();
  const at::Tensor means = sums_of_all_.sum(0).div(static_cast<double>(summands));
  const float* m = means.const_data_ptr<float>();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - clock_start_).count();
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
  result.images_per_second = static_cast<double>(images_by_clock_) / seconds;
  result.has_generator = run_.options.has_generator();
  result.contrastive = run_.options.contrastive > 0;
  result.rotation_loss = m[9];
  result.turn_found = m[10];
  result.rotation = run_.options.rotation > 0;
  return result;
}

void Training::start_report() {
  networks_.sums().zero_();
  sums_of_all_ = at::zeros({processes_.count(), networks_.sums().numel()});
  steps_in_report_ = 0;
  start_clock();
}

void Training::start_clock() {
  images_by_clock_ = 0;
  clock_start_ = std::chrono::steady_clock::now();
}

SafetensorsFile Training::checkpoint() const {
  SafetensorsFile file;
  nn::store_tensors(networks_.state(), file.tensors);
  nn::store_tensors({{kReportSums, sums_of_all_}}, file.tensors);
  file.metadata = {{"format", "dcgan-checkpoint"},
                   {"step", std::to_string(step_)},
                   {kRewinds, std::to_string(rewinds_)},
                   {kReportSteps, std::to_string(steps_in_report_)}};
  return file;
}

void Training::restore(const RunFolder::Checkpoint& checkpoint) {
  nn::load_tensors(checkpoint.file.tensors, networks_.state());
  set_step(checkpoint.step);
  const auto recorded = [&](const char* name) {
    const auto found = checkpoint.file.metadata.find(name);
    return found == checkpoint.file.metadata.end() ? 0 : std::stoll(found->second);
  };
  set_rewinds(recorded(kRewinds));
  start_report();
  const auto found = checkpoint.file.tensors.find(kReportSums);  // an earlier version has none, or fewer
  if (found == checkpoint.file.tensors.end() || found->second.shape.back() != sums_of_all_.size(1)) return;
  steps_in_report_ = recorded(kReportSteps);
  std::vector<float> sums = found->second.to_floats();
  const at::Tensor rows = at::from_blob(sums.data(), found->second.shape, at::kFloat);
  if (rows.sizes() == sums_of_all_.sizes()) {
    sums_of_all_.copy_(rows);
  } else {  // of another number of processes
    sums_of_all_[0].copy_(rows.sum(0));
  }
  networks_.sums().copy_(sums_of_all_[processes_.rank()]);
}

void Training::rewind_to(const RunFolder::Checkpoint& checkpoint) {
  const int64_t rewinds = rewinds_ + 1;
  restore(checkpoint);
  set_rewinds(rewinds);
  start_report();
}

void Training::receive_from_first() {
  set_step(processes_.receive_from_first(step_));
  set_rewinds(processes_.receive_from_first(rewinds_));
  steps_in_report_ = processes_.receive_from_first(steps_in_report_);
  std::vector<at::Tensor> tensors = {sums_of_all_};
  for (const auto& [name, tensor] : networks_.state()) tensors.push_back(tensor);
  processes_.receive_from_first(tensors);
  networks_.sums().copy_(sums_of_all_[processes_.rank()]);
}

bool Training::all_go_back(bool first_has) {
  if (processes_.receive_from_first(first_has ? 1 : 0) == 0) return false;
  receive_from_first();
  return true;
}

ModelFile Training::model(const std::string& record, bool generator_statistics) {
  const std::vector<int64_t> order = shuffled_indices(reader_.count(), derive_seed(run_.seed, "statistics"));
  const int64_t count = std::min(reader_.count(), run_.options.statistics_minibatches * kStatisticsMinibatch);
  if (!has_statistics_) {
    nn::infer_statistics(networks_.shown_discriminator(), count, [&](int64_t first, int64_t size) {
      return minibatches_.images().at(order.data() + first, size);
    });
    has_statistics_ = true;
  }
  nlohmann::ordered_json statistics = {
      {"source", "training images"},
      {"minibatches", nn::for_each_statistics_minibatch(count, [](int64_t, int64_t) {})},
      {"minibatch-size", kStatisticsMinibatch}};
  nn::Generator& generator = networks_.shown_generator();
  if (!run_.options.has_generator()) {
    // nothing to infer, and nothing is missing
  } else if (generator_statistics) {
    nn::infer_statistics(generator, count, [&](int64_t first, int64_t size) {
      return noise("statistics-noise", static_cast<uint64_t>(first), size);
    });
  } else {
    nn::clear_statistics(generator);
    statistics[models::kGeneratorStatistics] = models::kNoStatistics;
  }
  ModelFile model;
  model.architecture = run_.architecture;
  nn::store_networks(networks_.shown_discriminator(), generator, model);
  model.statistics = statistics.dump();
  model.training = record;
  return model;
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
    frechet_.emplace(real, count, run_.architecture, device());
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

// The same in all of the run, whatever was gone back to.
at::Tensor Training::noise(std::string_view purpose, uint64_t position, int64_t count) const {
  return nn::to_device(nn::draw_noise(run_.architecture, count, derive_seed(run_.seed, purpose, position)), device());
}

// This process's part of a step's noise for the minibatch at `position`.
at::Tensor Training::noise_for(int64_t position, std::string_view purpose) const {
  const uint64_t seed = derive_seed(seed_, purpose, static_cast<uint64_t>(step_));
  return part_on_device(nn::draw_noise(run_.architecture, minibatches_.size_of(position), seed));
}

at::Tensor Training::augmentation_for(int64_t position, std::string_view purpose) const {
  const uint64_t seed = derive_seed(seed_, purpose, static_cast<uint64_t>(step_));
  return part_on_device(draw_augmentations(minibatches_.size_of(position), seed));
}

// This process's rows of what was drawn for a whole minibatch.
at::Tensor Training::part_on_device(const at::Tensor& whole) const {
  const Part part = minibatches_.part_of(whole.size(0));
  return nn::to_device(whole.narrow(0, part.first, part.size), device());
}

void Training::set_step(int64_t step) {
  step_ = step;
  has_statistics_ = false;
  networks_.set_updates(step);
}

void Training::set_rewinds(int64_t rewinds) {
  rewinds_ = rewinds;
  seed_ = rewinds == 0 ? run_.seed : derive_seed(run_.seed, "rewind", static_cast<uint64_t>(rewinds));
  minibatches_.reseed(seed_);
}

}  // namespace dcgan::train
