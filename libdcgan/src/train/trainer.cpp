#include "dcgan/trainer.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/std.h>
#include <c10/util/Exception.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <new>
#include <nlohmann/json.hpp>

#include "base/options_json.h"
#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/seeds.h"
#include "nn/device.h"
#include "nn/network_tensors.h"
#include "nn/networks.h"
#include "nn/precision.h"
#include "train/collapse.h"
#include "train/frechet.h"
#include "train/minibatches.h"
#include "train/processes.h"
#include "train/recorded_pairs.h"
#include "train/run_folder.h"
#include "train/tensor_memory.h"
#include "train/trained_networks.h"

namespace dcgan {
namespace {

using nlohmann::ordered_json;
using train::Minibatches;
using train::RunFolder;

constexpr int64_t kSampleColumns = 10;         // a grid of 10 x 10 samples, as in the paper's figures
constexpr const char* kCollapse = "collapse";  // in a checkpoint's metadata
constexpr int64_t kSamples = kSampleColumns * kSampleColumns;

ImageBatch to_image_batch(const at::Tensor& images) {
  const at::Tensor pixels = nn::pixels_from_images(images.to(at::kCPU));
  ImageBatch batch;
  batch.height = pixels.size(1);
  batch.width = pixels.size(2);
  const uint8_t* first = pixels.const_data_ptr<uint8_t>();
  batch.pixels.assign(first, first + pixels.numel());
  for (int64_t i = 0; i < pixels.size(0); ++i) batch.paths.push_back(std::to_string(i));
  return batch;
}

// Mean over pixels of the standard deviation over the images.
double spread(const at::Tensor& images) { return images.std(0).mean().item<double>(); }

// What two data sets that train differently differ in: size, preparation, and a sample of the pixels.
ordered_json describe_data(const PackedImageReader& images, const std::string& source) {
  constexpr int64_t kProbes = 256;
  const int64_t row = images.info().height * images.info().width * 3;
  std::string sample;
  for (int64_t i = 0; i < kProbes; ++i) {
    std::string pixels(static_cast<size_t>(row), '\0');
    images.read(i * (images.count() - 1) / (kProbes - 1), 1, reinterpret_cast<uint8_t*>(pixels.data()));
    sample += pixels;
  }
  return {{"source", source},
          {"images", images.count()},
          {"preparation", ordered_json::parse(images.info().preparation)},
          {"pixel-hash", derive_seed(0, sample)}};
}

// One training: the networks with their optimisers, the images, and the step.
class Training {
 public:
  Training(const TrainingRun& run, const PackedImageReader& images, const train::Processes& processes)
      : run_(run),
        processes_(processes),
        device_(processes.device()),
        tf32_(run.options.precision),
        minibatches_({images, run.images_in_memory, device_}, run.options.batch_size, run.seed),
        networks_(run, processes, device_),
        pairs_(networks_, processes.count() == 1 ? processes.accelerator() : nullptr) {
    minibatches_.divide(processes.rank(), processes.count());
    at::globalContext().setBenchmarkCuDNN(true);  // the shapes are the same in every step
  }

  int64_t step() const { return step_; }
  int64_t discriminator_parameters() { return nn::count(networks_.discriminator().parameters()); }
  int64_t generator_parameters() { return nn::count(networks_.generator().parameters()); }
  c10::Device device() const { return device_; }

  /// One pair of updates.
  void run_step() {
    // The authors' loop gives one minibatch to the generator's step, which uses its size alone, and the next to the
    // discriminator's.
    const bool alternating = run_.options.schedule == Schedule::kAlternating;
    const int64_t generator_position = alternating ? 2 * step_ : step_;
    const int64_t discriminator_position = alternating ? 2 * step_ + 1 : step_;
    train::PairInputs inputs;
    inputs.images = minibatches_.at(discriminator_position);
    inputs.discriminator_noise = noise_for(discriminator_position, "discriminator-noise");
    inputs.generator_noise = noise_for(generator_position, "generator-noise");
    inputs.learning_rate = nn::to_device(at::full({}, learning_rate(), at::kFloat), device_);
    inputs.discriminator_size = minibatches_.size_of(discriminator_position);
    inputs.generator_size = minibatches_.size_of(generator_position);
    pairs_.update(inputs);
    images_in_report_ += inputs.discriminator_size;
    ++step_;
    ++steps_in_report_;
  }

  /// Means since the last report, over all processes. The only point at which the host waits for the device.
  StepReport report() {
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

  void start_report() {
    networks_.sums().zero_();
    steps_in_report_ = images_in_report_ = 0;
    report_start_ = std::chrono::steady_clock::now();
  }

  SafetensorsFile checkpoint() const {
    SafetensorsFile file;
    nn::store_tensors(networks_.state(), file.tensors);
    file.metadata = {
        {"format", "dcgan-checkpoint"}, {"step", std::to_string(step_)}, {"rewinds", std::to_string(rewinds_)}};
    return file;
  }

  void restore(const RunFolder::Checkpoint& checkpoint) {
    nn::load_tensors(checkpoint.file.tensors, networks_.state());
    set_step(checkpoint.step);
    const auto rewinds = checkpoint.file.metadata.find("rewinds");
    set_rewinds(rewinds == checkpoint.file.metadata.end() ? 0 : std::stoll(rewinds->second));
  }

  /// All processes take what the first one has.
  void receive_from_first() {
    set_step(processes_.receive_from_first(step_));
    set_rewinds(processes_.receive_from_first(rewinds_));
    std::vector<at::Tensor> tensors;
    for (const auto& [name, tensor] : networks_.state()) tensors.push_back(tensor);
    processes_.receive_from_first(tensors);
  }

  const train::Processes& processes() const { return processes_; }

  /// Whether the first process has gone back to a checkpoint; then all go there.
  bool all_go_back(bool first_has) {
    if (processes_.receive_from_first(first_has ? 1 : 0) == 0) return false;
    receive_from_first();
    start_report();
    return true;
  }

  /// Goes on from a checkpoint with other noise and another order of the images than the run had after it.
  void rewind_to(const RunFolder::Checkpoint& checkpoint) {
    const int64_t rewinds = rewinds_ + 1;
    restore(checkpoint);
    set_rewinds(rewinds);
  }
  int64_t rewinds() const { return rewinds_; }

  /// Averages the fixed batch-norm statistics over the run's own images and noise: the same ones at every call.
  void infer_statistics(const PackedImageReader& images) {
    const std::vector<int64_t> order = shuffled_indices(images.count(), derive_seed(run_.seed, "statistics"));
    const auto wanted = static_cast<size_t>(run_.options.statistics_minibatches * nn::kStatisticsMinibatch);
    const size_t count = std::min(order.size(), wanted);
    statistics_minibatches_ = (static_cast<int64_t>(count) + nn::kStatisticsMinibatch - 1) / nn::kStatisticsMinibatch;
    nn::StatisticsAverage discriminator(networks_.shown_discriminator());
    nn::StatisticsAverage generator(networks_.shown_generator());
    for (size_t first = 0; first < count; first += nn::kStatisticsMinibatch) {
      const auto size = static_cast<int64_t>(std::min<size_t>(nn::kStatisticsMinibatch, count - first));
      discriminator.add(minibatches_.images().at(order.data() + first, size));
      generator.add(noise(run_.seed, "statistics-noise", first, size));
    }
    discriminator.finish();
    generator.finish();
  }

  ModelFile model(const ordered_json& training) {
    ModelFile model;
    model.architecture = run_.architecture;
    for (const auto& tensors : {networks_.shown_discriminator().parameters(), networks_.shown_discriminator().buffers(),
                                networks_.shown_generator().parameters(), networks_.shown_generator().buffers()}) {
      nn::store_tensors(tensors, model.tensors);
    }
    model.convolutions = static_cast<int64_t>(networks_.discriminator().convolutions.size());
    const ordered_json statistics = {{"source", "training images"},
                                     {"minibatches", statistics_minibatches_},
                                     {"minibatch-size", nn::kStatisticsMinibatch}};
    model.statistics = statistics.dump();
    model.training = training.dump();
    return model;
  }

  /// Fréchet distance between images of the run, spread evenly, and as many samples of always the same noise.
  double frechet_distance(const PackedImageReader& images) {
    const at::NoGradGuard no_grad;
    if (!frechet_) {
      const int64_t count = std::min(run_.options.frechet_images, images.count());
      const auto real = [&](int64_t first, int64_t size) {
        std::vector<int64_t> rows;
        for (int64_t i = first; i < first + size; ++i) rows.push_back(i * images.count() / count);
        return minibatches_.images().at(rows.data(), size);
      };
      frechet_.emplace(real, count, run_.architecture.image_size, device_);
    }
    return frechet_->to([&](int64_t first, int64_t size) {
      return networks_.shown_generator().forward(noise(run_.seed, "frechet", static_cast<uint64_t>(first), size),
                                                 nn::Statistics::kBatch);
    });
  }

  /// Samples of always the same noise, normalised by their own statistics as the authors do: float32 [N, 3, H, W].
  at::Tensor samples() {
    const at::NoGradGuard no_grad;
    return networks_.shown_generator().forward(noise(run_.seed, "samples", 0, kSamples), nn::Statistics::kBatch);
  }
  /// As many images of the first minibatch, of the same shape.
  at::Tensor images() { return minibatches_.at(0).slice(0, 0, kSamples); }

 private:
  double learning_rate() const {
    const int64_t left = run_.options.steps - step_;
    const int64_t decay = run_.options.decay_steps;
    const double share = left < decay ? static_cast<double>(left) / static_cast<double>(decay) : 1;
    return run_.options.learning_rate * share;
  }

  at::Tensor noise(uint64_t seed, std::string_view purpose, uint64_t position, int64_t count) const {
    return nn::to_device(nn::draw_noise(run_.architecture, count, derive_seed(seed, purpose, position)), device_);
  }

  void set_step(int64_t step) {
    step_ = step;
    networks_.set_updates(step);
  }

  void set_rewinds(int64_t rewinds) {
    rewinds_ = rewinds;
    seed_ = rewinds == 0 ? run_.seed : derive_seed(run_.seed, "rewind", static_cast<uint64_t>(rewinds));
    minibatches_.reseed(seed_);
  }

  // This process's part of the noise for the minibatch at `position`.
  at::Tensor noise_for(int64_t position, std::string_view purpose) const {
    const int64_t size = minibatches_.size_of(position);
    const train::Part part = minibatches_.part_of(size);
    const at::Tensor whole =
        nn::draw_noise(run_.architecture, size, derive_seed(seed_, purpose, static_cast<uint64_t>(step_)));
    return nn::to_device(whole.narrow(0, part.first, part.size), device_);
  }

  const TrainingRun& run_;
  const train::Processes& processes_;
  uint64_t seed_ = run_.seed;  ///< of noise and order; another one after a rewind
  int64_t rewinds_ = 0;
  c10::Device device_;
  nn::Tf32Scope tf32_;
  Minibatches minibatches_;
  train::TrainedNetworks networks_;
  train::RecordedPairs pairs_;
  std::optional<train::FrechetDistance> frechet_;  ///< once it was asked for
  int64_t step_ = 0;
  int64_t statistics_minibatches_ = 0;  ///< of the last infer_statistics()

  int64_t steps_in_report_ = 0;
  int64_t images_in_report_ = 0;
  std::chrono::steady_clock::time_point report_start_ = std::chrono::steady_clock::now();
};

// Everything that decides the parameters after a given step. How long to train and what to write may change on resume.
ordered_json identity_of(const TrainingRun& run, const ordered_json& data) {
  ordered_json options = options_to_json(run.options);
  for (const char* free :
       {"log-every", "sample-every", "checkpoint-every", "keep-checkpoints", "frechet-images", "on-collapse"}) {
    options.erase(free);
  }
  if (run.options.decay_steps == 0) options.erase("steps");
  return {{"architecture", ordered_json::parse(to_json(run.architecture))},
          {"options", options},
          {"seed", run.seed},
          {"data", data}};
}

// Refuses what does not fit together, before anything is written.
void prepare(const TrainingRun& run, const PackedImageReader& images) {
  check(run.architecture);
  check(run.options);
  const int64_t size = run.architecture.image_size;
  const PackedImagesInfo& info = images.info();
  if (info.height != size || info.width != size) {
    throw FileError(images.path(), "images are " + std::to_string(info.width) + " x " + std::to_string(info.height) +
                                       ", the network takes " + std::to_string(size) + " x " + std::to_string(size) +
                                       "; prepare them with dcgan-prepare --size " + std::to_string(size) +
                                       ", or set --image-size.");
  }
  require_option(run.options.batch_size <= images.count(), "batch-size", run.options.batch_size,
                 "at most " + std::to_string(images.count()) + ", the number of images in " + images.path());
  const int64_t processes = run.processes.count;
  require_option(
      run.options.batch_size >= 2 * processes, "batch-size", run.options.batch_size,
      std::to_string(2 * processes) + " or more, 2 images for each of " + std::to_string(processes) + " processes");
  const int64_t rest = images.count() % run.options.batch_size;
  if (rest >= 2 && rest < 2 * processes) {  // one process would use it
    throw OptionError("--batch-size is " + std::to_string(run.options.batch_size) +
                      ": the last minibatch of an epoch of " + std::to_string(images.count()) + " images has " +
                      std::to_string(rest) + ", too few for " + std::to_string(processes) +
                      " processes; take another size.");
  }
  if (run.options.sync_batch_norm && run.architecture.guidelines.batch_norm == NormalizedLayers::kNone) {
    throw OptionError("--sync-batch-norm has nothing to do with --batch-norm none; leave one of them out.");
  }
  if (run.threads > 0) at::set_num_threads(static_cast<int>(run.threads));
}

std::string to_text(const RunFolder::Workers& workers) {
  const std::string threads = std::to_string(workers.threads) + (workers.threads == 1 ? " thread" : " threads");
  return workers.processes == 1 ? threads : std::to_string(workers.processes) + " processes of " + threads + " each";
}

void check_same_run(const train::Processes& processes, const TrainingRun& run, ordered_json identity,
                    const std::string& path) {
  identity["data"].erase("source");
  const TrainOptions& o = run.options;  // all must stop and report together
  identity["free"] = {o.steps, o.log_every, o.sample_every, o.checkpoint_every, processes.device().is_cpu()};
  const auto hash = static_cast<int64_t>(derive_seed(0, identity.dump()));
  if (processes.receive_from_first(hash) == hash) return;
  throw FileError(path, "process " + std::to_string(processes.rank()) +
                            " has other images there, or other options, than the first process; all need the same.");
}

// What a process does besides steps. The first two say whether they took the training back to a checkpoint.
struct Duties {
  std::function<bool()> report;
  std::function<bool()> write_samples;
  std::function<void()> save;
};

struct MemoryNeed {
  int64_t images, all;  // bytes
};

// What a training keeps on its device, bytes, by what can be counted: images; weights, gradients and Adam's moments;
// activations, before and after batch norm, of the larger of the two updates (real and generated images pass the
// discriminator side by side). Libraries' own workspace comes on top.
MemoryNeed memory_need(const TrainingRun& run, const PackedImageReader& images) {
  const auto values_of = [](const std::vector<ConvolutionShape>& shapes, int64_t& weights) {
    int64_t maps = 0;
    for (const ConvolutionShape& s : shapes) {
      const int64_t side = s.size_out;
      maps += (s.batch_norm ? 2 : 1) * s.out_channels * side * side;
      weights += s.in_channels * s.out_channels * s.kernel * s.kernel;
    }
    return maps;
  };
  const int64_t hidden = run.architecture.guidelines.hidden_dense;
  const auto dense = [&](int64_t in, int64_t out) { return hidden > 0 ? hidden * (in + out) : in * out; };
  const std::vector<ConvolutionShape> generator_shapes = generator_convolutions(run.architecture);
  const int64_t top = generator_shapes.front().in_channels;
  int64_t weights = dense(dense_inputs(run.architecture), 1) + dense(run.architecture.nz, kBaseSize * kBaseSize * top);
  const int64_t discriminator = values_of(discriminator_convolutions(run.architecture), weights);
  const int64_t generator = values_of(generator_shapes, weights);
  const int64_t copies = run.options.average_decay > 0 ? 5 : 4;  // value, gradient, two moments; average
  const int64_t batch = (run.options.batch_size + run.processes.count - 1) / run.processes.count;
  const int64_t value_bytes = run.options.precision == Precision::kBf16 ? 2 : 4;
  const int64_t image_bytes =
      run.images_in_memory ? images.count() * images.info().height * images.info().width * 3 : 0;
  const int64_t maps = batch * std::max(2 * discriminator, discriminator + generator);
  return {image_bytes, image_bytes + 4 * copies * weights + value_bytes * maps};
}

Error not_enough_memory(const TrainingRun& run, const PackedImageReader& images, const std::string& what) {
  const auto megabytes = [](int64_t bytes) { return std::to_string(bytes / 1000000) + " MB"; };
  const MemoryNeed need = memory_need(run, images);
  return Error("--device " + run.device + " has not enough memory (" + what +
               "): a training like this needs at least " + megabytes(need.all) + ", of which the images take " +
               megabytes(need.images) +
               ". Take a smaller --batch-size, --ndf or --ngf, or a --max-memory below the images' size, which leaves "
               "them in their file. Checkpoints that were written are kept.");
}

// Where memory is promised before it is there, the system would kill a process that uses more, without a word.
void check_memory(const TrainingRun& run, const PackedImageReader& images, c10::Device device) {
  const int64_t available = run.available_memory;
  if (!device.is_cpu() || available == 0 || memory_need(run, images).all <= available) return;
  throw not_enough_memory(run, images, std::to_string(available / 1000000) + " MB are available");
}

// @return what `work` returns; a device without enough memory becomes an error that says how much is needed
template <class Work>
auto naming_the_memory(const TrainingRun& run, const PackedImageReader& images, const Work& work) {
  try {
    return work();
  } catch (const c10::OutOfMemoryError& e) {
    const std::string text = e.what_without_backtrace();
    throw not_enough_memory(run, images, text.substr(0, text.find('\n')));
  } catch (const std::bad_alloc&) {
    throw not_enough_memory(run, images, "the system gave no more");
  }
}

// The same in all processes: where one stops or goes back, all do.
void run_steps(Training& training, const TrainingRun& run, TrainObserver& observer, const Duties& duties) {
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
      if (training.all_go_back(duties.report())) continue;  // what is not finite or has collapsed is not saved
    }
    if (last || step % run.options.sample_every == 0) {
      if (training.all_go_back(duties.write_samples())) continue;
    }
    if (save_now) {
      duties.save();
      training.start_report();  // the time of saving is not that of the next steps
    }
  }
}

// A process that is not the first: it has no files, and takes its state from the first one.
int64_t follow(const TrainingRun& run, const PackedImageReader& images, const train::Processes& processes,
               TrainObserver& observer) {
  const train::ReusedTensorMemory reused_memory(processes.device());
  Training training(run, images, processes);
  processes.any(false);  // all have come so far: the first one begins
  training.receive_from_first();
  const auto report = [&] {
    training.report();
    return false;
  };
  run_steps(training, run, observer, {report, [] { return false; }, [] {}});
  return training.step();
}

}  // namespace

void check(const TrainOptions& o) {
  const auto at_least = [](const std::string& flag, int64_t value, int64_t least) {
    require_option(value >= least, flag, value, std::to_string(least) + " or more");
  };
  at_least("steps", o.steps, 0);
  at_least("batch-size", o.batch_size, 2);  // batch norm of the generator's units needs two images
  at_least("decay-steps", o.decay_steps, 0);
  at_least("statistics-minibatches", o.statistics_minibatches, 1);
  at_least("log-every", o.log_every, 1);
  at_least("sample-every", o.sample_every, 1);
  at_least("checkpoint-every", o.checkpoint_every, 1);
  at_least("keep-checkpoints", o.keep_checkpoints, 1);
  require_option(o.frechet_images == 0 || o.frechet_images >= 2, "frechet-images", o.frechet_images, "0, or 2 or more");
  require_option(o.learning_rate > 0, "learning-rate", o.learning_rate, "positive");
  require_option(o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1, "from 0 to below 1");
  require_option(o.beta2 >= 0 && o.beta2 < 1, "beta2", o.beta2, "from 0 to below 1");
  require_option(o.average_decay >= 0 && o.average_decay < 1, "average-decay", o.average_decay, "from 0 to below 1");
  require_option(o.weight_decay >= 0, "weight-decay", o.weight_decay, "0 or more");
}

namespace {

TrainingEstimate estimate(const TrainingRun& run, const PackedImageReader& images) {
  prepare(run, images);
  const train::Processes processes(run.processes, run.device);
  const train::ReusedTensorMemory reused_memory(processes.device());
  check_memory(run, images, processes.device());
  Training training(run, images, processes);
  // The first pair makes the kernels and the memory; on a GPU some more come before they are recorded.
  const int64_t warm_up = processes.accelerator() == nullptr ? 1 : train::RecordedPairs::kPlainPairs + 1;
  for (int64_t i = 0; i < warm_up; ++i) training.run_step();
  training.report();  // waits for the device
  const auto start = std::chrono::steady_clock::now();
  constexpr int kTimed = 2;
  for (int i = 0; i < kTimed; ++i) training.run_step();
  training.report();
  TrainingEstimate result;
  result.step_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / kTimed;
  result.discriminator_parameters = training.discriminator_parameters();
  result.generator_parameters = training.generator_parameters();
  result.device = training.device().str();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  result.memory_bytes = training.device().is_cpu() ? static_cast<double>(usage.ru_maxrss) * 1024  // ru_maxrss: KiB
                                                   : static_cast<double>(memory_need(run, images).all);
  return result;
}

int64_t train_to_the_end(const TrainingRun& run, const PackedImageReader& images, TrainObserver& observer) {
  prepare(run, images);
  const ordered_json identity = identity_of(run, describe_data(images, run.data_source));
  const train::Processes processes(run.processes, run.device);
  check_memory(run, images, processes.device());
  check_same_run(processes, run, identity, images.path());
  if (!processes.is_first()) return follow(run, images, processes, observer);
  const RunFolder::Workers workers = {at::get_num_threads(), processes.count()};
  RunFolder folder(run.folder, identity.dump(), workers, run.mode);
  const train::ReusedTensorMemory reused_memory(processes.device());
  Training training(run, images, processes);
  processes.any(false);  // none of the others was refused
  folder.begin(observer);
  observer.on_message("Training on " + training.device().str() + " with " + to_text(workers) + ".");
  if (!processes.accelerator_failure().empty()) {
    observer.on_message("Steps are not recorded as CUDA graphs, which makes them slower: " +
                        processes.accelerator_failure());
  }
  if (training.device().is_cpu() && run.options.precision == Precision::kTf32) {
    observer.on_message("--precision tf32 changes nothing on a CPU.");
  }
  if (to_text(folder.recorded_workers()) != to_text(workers)) {
    observer.on_message("The run was started with " + to_text(folder.recorded_workers()) +
                        "; with others the results agree up to rounding only" +
                        (folder.recorded_workers().processes == workers.processes || run.options.sync_batch_norm
                             ? "."
                             : ", and the batch norm's statistics are those of other parts of the minibatch."));
  }
  train::CollapseWatch watch;
  if (run.mode == TrainingRun::Mode::kResume) {
    const RunFolder::Checkpoint checkpoint = folder.newest_checkpoint(observer);
    if (checkpoint.step >= 0) training.restore(checkpoint);
    const auto collapse = checkpoint.file.metadata.find(kCollapse);
    if (collapse != checkpoint.file.metadata.end()) watch.restore(collapse->second);
    observer.on_message(checkpoint.step >= 0 ? "Resumed after step " + std::to_string(checkpoint.step) + "."
                                             : "No checkpoint yet: starting at step 0.");
  }
  training.receive_from_first();
  folder.open_log(training.step());

  const std::string model = folder.path("model.safetensors");
  const auto write_model = [&] {
    training.infer_statistics(images);
    ordered_json record = identity;
    record["step"] = training.step();
    save_model(model, training.model(record));
  };
  const auto measure = [&] {
    const int64_t step = training.step();
    if (run.options.frechet_images > 0 && !folder.has_measure(step, train::kFrechetDistance)) {
      folder.log_measure(step, train::kFrechetDistance, training.frechet_distance(images));
    }
    if (folder.has_measure(step, train::kProbeScore)) return;
    if (const std::optional<double> score = observer.probe(model)) folder.log_probe(step, *score);
  };
  const auto write_checkpoint = [&] {
    SafetensorsFile file = training.checkpoint();
    file.metadata[kCollapse] = watch.state();
    folder.write_checkpoint(training.step(), file, run.options.keep_checkpoints);
  };
  const auto save = [&] {
    write_checkpoint();
    write_model();
    measure();
  };
  // @return whether the training was taken back to a checkpoint
  const auto rewound = [&](const std::string& collapse, bool may_go_on) {
    if (collapse.empty()) return false;
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
    watch = train::CollapseWatch();
    write_checkpoint();  // a kill does not undo that it went back
    const std::string whole =
        message + " Going back to step " + std::to_string(checkpoint.step) + ", with other noise.";
    folder.log_alarm(checkpoint.step, whole);
    observer.on_message(whole);
    return true;
  };
  const auto report = [&] {
    const StepReport r = training.report();
    if (!std::isfinite(r.discriminator_loss + r.generator_loss + r.discriminator_gradient + r.generator_gradient)) {
      return rewound("losses or gradients are not finite.", false);
    }
    folder.log(r);
    observer.on_report(r);
    return rewound(watch.observe(r), true);
  };
  const auto write_samples = [&] {
    at::Tensor samples = training.samples();
    folder.log_samples(training.step(), to_image_batch(samples), kSampleColumns);
    return samples;
  };
  const auto judge_samples = [&] {
    return rewound(watch.observe_spread(spread(write_samples()), spread(training.images())), true);
  };

  if (training.step() > 0) {  // what a killed run has not come to after its checkpoint
    if (folder.model_step() != training.step()) write_model();
    measure();
  }
  run_steps(training, run, observer, {report, judge_samples, save});
  if (folder.model_step() != training.step()) {  // no steps were asked for
    write_samples();
    save();
  }
  return training.step();
}

}  // namespace

TrainingEstimate estimate_training(const TrainingRun& run, const PackedImageReader& images) {
  return naming_the_memory(run, images, [&] { return estimate(run, images); });
}

int64_t run_training(const TrainingRun& run, const PackedImageReader& images, TrainObserver& observer) {
  return naming_the_memory(run, images, [&] { return train_to_the_end(run, images, observer); });
}

ModelFile initialised_model(const ArchitectureOptions& options, uint64_t seed) {
  ModelFile model;
  model.architecture = options;
  const nn::Discriminator discriminator = nn::make_discriminator(options, seed);
  const nn::Generator generator = nn::make_generator(options, seed);
  for (const auto& tensors :
       {discriminator.parameters(), discriminator.buffers(), generator.parameters(), generator.buffers()}) {
    nn::store_tensors(tensors, model.tensors);
  }
  model.convolutions = static_cast<int64_t>(discriminator.convolutions.size());
  model.statistics = R"({"source":"none: mean 0, variance 1"})";
  model.training = ordered_json({{"step", 0}, {"seed", seed}}).dump();
  return model;
}

ImageBatch sample_images(const ModelFile& model, int64_t count, uint64_t seed, bool batch_statistics) {
  const at::NoGradGuard no_grad;
  const at::Tensor z = nn::draw_noise(model.architecture, count, derive_seed(seed, "samples"));
  const auto statistics = batch_statistics ? nn::Statistics::kBatch : nn::Statistics::kFixed;
  return to_image_batch(nn::generator_from(model).forward(z, statistics));
}

}  // namespace dcgan
