#include "dcgan/trainer.h"

#include <ATen/Parallel.h>
#include <sys/resource.h>

#include <chrono>

#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "train/contrastive.h"
#include "train/course.h"
#include "train/data_start.h"
#include "train/memory_need.h"
#include "train/run_identity.h"
#include "train/settings_scope.h"
#include "train/tensor_memory.h"
#include "train/training.h"

namespace dcgan {

void check(const TrainOptions& o) {
  const auto at_least = [](const std::string& flag, int64_t value, int64_t least) {
    require_option(value >= least, flag, value, text_of(least, " or more"));
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
  at_least("warm-up-steps", o.warm_up_steps, 0);
  require_option(o.adversarial >= 0, "adversarial", o.adversarial, "0 or more");
  require_option(o.contrastive >= 0, "contrastive", o.contrastive, "0 or more");
  require_option(o.contrastive_layers >= 0, "contrastive-layers", o.contrastive_layers, "0 or more");
  require_option(o.rotation >= 0, "rotation", o.rotation, "0 or more");
  if (o.adversarial == 0 && o.contrastive == 0 && o.rotation == 0) {
    throw OptionError(
        "--adversarial, --contrastive and --rotation are 0, all: nothing would be trained; give one of them a "
        "weight.");
  }
  if (o.adversarial == 0 && (o.augment || o.adversarial_loss != AdversarialLoss::kLogistic)) {
    throw OptionError(std::string(o.augment ? "--augment" : "--adversarial-loss"),
                      " has nothing to do with --adversarial 0; leave one of them out.");
  }
  if (o.adversarial_trunk == AdversarialTrunk::kOff && (o.adversarial == 0 || o.contrastive == 0)) {
    throw OptionError(
        "--adversarial-trunk off needs --adversarial and --contrastive above 0, both: the dense layers "
        "alone would be trained, or nothing by the published objective.");
  }
  require_option(o.generator_learning_rate >= 0, "generator-learning-rate", o.generator_learning_rate, "0 or more");
  require_option(o.generator_beta1 == -1 || (o.generator_beta1 >= 0 && o.generator_beta1 < 1), "generator-beta1",
                 o.generator_beta1, "-1, or from 0 to below 1");
  require_option(o.generator_beta2 == -1 || (o.generator_beta2 >= 0 && o.generator_beta2 < 1), "generator-beta2",
                 o.generator_beta2, "-1, or from 0 to below 1");
  if (o.shared_noise && (o.schedule != Schedule::kBoth || o.adversarial == 0)) {
    throw OptionError("--shared-noise needs --schedule both and --adversarial above 0: one noise is for two steps.");
  }
  if (o.contrastive > 0) at_least("batch-size", o.batch_size, train::kLeastContrasted);
}

namespace train {
namespace {

// Refuses what does not fit together, before anything is written.
void prepare(const TrainingRun& run, const PackedImageReader& images) {
  check(run.architecture);
  check(run.options);
  const int64_t size = run.architecture.image_size;
  const PackedImagesInfo& info = images.info();
  const bool larger = info.height == info.width && info.height > size && info.height % size == 0;
  if ((info.height != size || info.width != size) && !(larger && run.options.contrastive > 0)) {
    throw FileError(images.path(), "images are ", info.width, " x ", info.height, ", the network takes ", size, " x ",
                    size, run.options.contrastive > 0 ? ", or twice, three times, ... as many" : "",
                    "; prepare them with dcgan-prepare --size ", size,
                    larger ? ", set --image-size, or give --contrastive a weight, whose views are "
                             "cut from larger images."
                           : ", or set --image-size.");
  }
  require_option(run.options.batch_size <= images.count(), "batch-size", run.options.batch_size,
                 text_of("at most ", images.count(), ", the number of images in ", images.path()));
  const int64_t processes = run.processes.count;
  if (run.options.contrastive > 0 && processes > 1 && !run.options.sync_batch_norm) {
    throw OptionError(
        "--contrastive with several processes needs --sync-batch-norm: views are told from those of all "
        "images of a minibatch.");
  }
  const int64_t least = run.options.contrastive > 0 ? kLeastContrasted : 2;
  require_option(run.options.batch_size >= least * processes, "batch-size", run.options.batch_size,
                 text_of(least * processes, " or more, ", least, " images for each of ", processes, " processes"));
  const int64_t rest = images.count() % run.options.batch_size;
  if (rest >= least && rest < least * processes) {  // one process would use it
    throw OptionError("--batch-size is ", run.options.batch_size, ": the last minibatch of an epoch of ",
                      images.count(), " images has ", rest, ", too few for ", processes,
                      " processes; take another size.");
  }
  if (run.options.sync_batch_norm && !run.architecture.is_list() &&
      run.architecture.guidelines.batch_norm == NormalizedLayers::kNone) {
    throw OptionError("--sync-batch-norm has nothing to do with --batch-norm none; leave one of them out.");
  }
  if (run.options.has_generator() && !run.architecture.has_generator()) {
    throw OptionError(
        "--generator-network is missing: --network says the discriminator, and --adversarial trains both.");
  }
  const bool in_colour = run.options.contrastive > 0 || run.options.augment;
  if (in_colour && !(run.architecture.input == InputOptions())) {
    throw OptionError(run.options.augment ? "--augment" : "--contrastive",
                      " changes colours of images in RGB and [-1, 1]; the network's --input-... say others.");
  }
  if (run.options.initialise == TrainOptions::kPatchesStart && run.architecture.is_list()) {
    throw OptionError(
        "--initialise patches is for the published family; take random, or a model file, with --network.");
  }
  if (run.options.initialise == TrainOptions::kPatchesStart) check_patches(run.architecture, images.count());
}

void check_cuda_graphs(const TrainingRun& run, const Processes& processes) {
  if (run.options.cuda_graphs != CudaGraphs::kOn) return;
  if (processes.count() == 1 && processes.accelerator() != nullptr) return;
  throw OptionError("--cuda-graphs is on; that needs one process, not ", processes.count(), ", on a GPU, not ",
                    processes.device().str(), ", and libdcgan_cuda.so beside libdcgan.so. Give auto or off.");
}

TrainingEstimate estimate(const TrainingRun& run, const PackedImageReader& images) {
  prepare(run, images);
  const SettingsScope settings(run.threads);
  const Processes processes(run.processes, run.device, [](const std::string&) {});
  const ReusedTensorMemory reused_memory(processes.device());
  check_memory(run, images, processes.device());
  check_cuda_graphs(run, processes);
  TrainObserver silent;
  Training training({run, images, processes, silent});
  // The first pair makes the kernels and the memory; on a GPU some more come before they are recorded.
  const int64_t warm_up = processes.accelerator() == nullptr ? 1 : RecordedPairs::kPlainPairs + 1;
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
  const MemoryNeed need = memory_need(run, images);
  const int64_t images_there = training.image_place() == ImagePlace::kDevice ? need.images : 0;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  result.memory_bytes = training.device().is_cpu() ? int64_t{usage.ru_maxrss} * 1024  // ru_maxrss: KiB
                                                   : need.steps + images_there;
  return result;
}

std::string to_text(const RunFolder::Workers& workers) {
  const std::string threads = text_of(workers.threads, workers.threads == 1 ? " thread" : " threads");
  return workers.processes == 1 ? threads : text_of(workers.processes, " processes of ", threads, " each");
}

RunFolder::Workers workers_of(const Processes& processes) { return {at::get_num_threads(), processes.count()}; }

// What the user should know before the first step.
void say_how_it_trains(const TrainingRun& run, const Processes& processes, const RunFolder& folder,
                       const TrainObserver& observer) {
  const RunFolder::Workers workers = workers_of(processes);
  observer.on_message("Training on " + processes.device().str() + " with " + to_text(workers) + ".");
  if (!processes.accelerator_failure().empty() && run.options.cuda_graphs != CudaGraphs::kOff) {
    observer.on_message("Steps are not recorded as CUDA graphs, which makes them slower: " +
                        processes.accelerator_failure());
  }
  if (processes.device().is_cpu() && run.options.precision == Precision::kTf32) {
    observer.on_message("--precision tf32 changes nothing on a CPU.");
  }
  if (to_text(folder.recorded_workers()) == to_text(workers)) return;
  observer.on_message("The run was started with " + to_text(folder.recorded_workers()) +
                      "; with others the results agree up to rounding only" +
                      (folder.recorded_workers().processes == workers.processes || run.options.sync_batch_norm
                           ? "."
                           : ", and the batch norm's statistics are those of other parts of the minibatch."));
}

int64_t follow(const TrainingRun& run, Training& training, const TrainObserver& observer) {
  training.processes().any(false);  // all have come so far: the first one begins
  if (training.processes().any(observer.should_stop())) return training.step();
  training.receive_from_first();
  FollowingCourse course(training);
  run_steps(training, run, observer, course);
  return training.step();
}

int64_t lead(const LeadingCourse::Parts& parts, const std::string& identity) {
  auto& [run, training, folder, observer] = parts;
  training.processes().any(false);  // none of the others was refused
  folder.begin(observer);
  say_how_it_trains(run, training.processes(), folder, observer);
  LeadingCourse course(parts, identity);
  const bool resumed = run.mode == OutputMode::kResume && course.resume();
  const bool started = resumed || training.initialise(observer);
  if (training.processes().any(!started)) return training.step();
  training.receive_from_first();
  folder.open_log(training.step());
  course.make_up();
  run_steps(training, run, observer, course);
  course.finish();
  return training.step();
}

int64_t train_to_the_end(const TrainingRun& run, const PackedImageReader& images, const TrainObserver& observer) {
  prepare(run, images);
  const SettingsScope settings(run.threads);
  const std::string identity = run_identity(run, images);
  const Processes processes(run.processes, run.device, observer.on_waiting);
  check_memory(run, images, processes.device());
  check_cuda_graphs(run, processes);
  check_same_run(processes, run, identity, images.path());
  std::optional<RunFolder> folder;
  if (processes.is_first()) folder.emplace(run.folder, identity, workers_of(processes), run.mode);
  const ReusedTensorMemory reused_memory(processes.device());
  Training training({run, images, processes, observer});
  return folder ? lead({run, training, *folder, observer}, identity) : follow(run, training, observer);
}

}  // namespace
}  // namespace train

TrainingEstimate estimate_training(const TrainingRun& run, const PackedImageReader& images) {
  return train::naming_the_memory(run, images, [&] { return train::estimate(run, images); });
}

int64_t run_training(const TrainingRun& run, const PackedImageReader& images, const TrainObserver& observer) {
  return train::naming_the_memory(run, images, [&] { return train::train_to_the_end(run, images, observer); });
}

}  // namespace dcgan
