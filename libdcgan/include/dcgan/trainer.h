#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "dcgan/architecture.h"
#include "dcgan/export.h"
#include "dcgan/model_file.h"
#include "dcgan/options.h"
#include "dcgan/output_mode.h"
#include "dcgan/packed_images.h"
#include "dcgan/precision.h"

namespace dcgan {

/// Which networks a minibatch of real images updates. The authors' loop (faces/train_uncond_dcgan.py, k = 1) gives one
/// minibatch to the generator's step and the next to the discriminator's; the usual loop does both steps on each.
enum class Schedule { kAlternating, kBoth };

template <>
struct EnumNames<Schedule> {
  static constexpr std::array<std::string_view, 2> kNames = {"alternating", "both"};
};

/// What follows when a training has collapsed (train/collapse.h says when; or losses are not finite): an end with an
/// error; going back to the oldest checkpoint that is kept, with other noise and another order of images from there on,
/// three times at most; or a message only, but an end where losses are not finite.
enum class OnCollapse { kStop, kRewind, kWarn };

template <>
struct EnumNames<OnCollapse> {
  static constexpr std::array<std::string_view, 3> kNames = {"stop", "rewind", "warn"};
};

/// How the learning rate falls over the last steps.
enum class DecayShape { kLinear, kCosine };

template <>
struct EnumNames<DecayShape> {
  static constexpr std::array<std::string_view, 2> kNames = {"linear", "cosine"};
};

/// Whether the published objective trains all of the discriminator, or its dense layers alone, which then see the
/// convolutions that the contrastive objective trains (Jeong, Shin 2021, arXiv:2103.09742).
enum class AdversarialTrunk { kOn, kOff };

template <>
struct EnumNames<AdversarialTrunk> {
  static constexpr std::array<std::string_view, 2> kNames = {"on", "off"};
};

/// The published objective's loss for a logit x: logistic, -log sigmoid(x) of real and -log sigmoid(-x) of generated
/// images, -log sigmoid(x) for the generator; or hinge, max(0, 1 - x), max(0, 1 + x) and -x (Lim, Ye 2017,
/// arXiv:1705.02894).
enum class AdversarialLoss { kLogistic, kHinge };

template <>
struct EnumNames<AdversarialLoss> {
  static constexpr std::array<std::string_view, 2> kNames = {"logistic", "hinge"};
};

/// Whether steps on a GPU are recorded as CUDA graphs: always, or an error says why not; never; or where they can be,
/// with a message where they cannot.
enum class CudaGraphs { kOn, kOff, kAuto };

template <>
struct EnumNames<CudaGraphs> {
  static constexpr std::array<std::string_view, 3> kNames = {"on", "off", "auto"};
};

/// Training. Defaults: arXiv:1511.06434, section 4; the authors' lib/updates.py. Steps are pairs: one update of each
/// network.
struct TrainOptions {
  int64_t steps = 150150;  ///< the authors' 30 epochs of ImageNet-1k, see tools/recipes/imagenet32.ini
  int64_t batch_size = 128;
  Schedule schedule = Schedule::kAlternating;
  double learning_rate = 2e-4;
  double beta1 = 0.5;
  double beta2 = 0.999;
  double weight_decay = 0;  ///< added to the gradient of every parameter; authors: 1e-5 for faces
  bool decoupled_weight_decay = false;
  int64_t warm_up_steps = 0;
  int64_t decay_steps = 0;
  DecayShape decay_shape = DecayShape::kLinear;
  double average_decay = 0;
  bool sync_batch_norm = false;
  Precision precision = Precision::kF32;
  CudaGraphs cuda_graphs = CudaGraphs::kAuto;
  OnCollapse on_collapse = OnCollapse::kWarn;
  int64_t statistics_minibatches = 32;
  int64_t log_every = 20;
  int64_t sample_every = 500;
  int64_t checkpoint_every = 500;
  int64_t keep_checkpoints = 2;
  int64_t frechet_images = 2048;
  std::string initialise = kRandomStart;
  double adversarial = 1;  ///< weight of the published objective
  double contrastive = 0;  ///< weight of telling two views of an image from those of others, train/contrastive.h
  double contrastive_layers = 0.5;  ///< weight of the same on layers 2 to the last but one, beside that on the last

  AdversarialTrunk adversarial_trunk = AdversarialTrunk::kOn;
  AdversarialLoss adversarial_loss = AdversarialLoss::kLogistic;
  /// Both steps of a pair show the discriminator what one noise has made, as in PyTorch's DCGAN example; otherwise each
  /// step draws its own, as in the authors' code.
  bool shared_noise = false;
  bool augment = false;        ///< what the published objective shows the discriminator, train/augmentation.h
  bool spectral_norm = false;  ///< train/spectral_norm.h
  double rotation = 0;         ///< weight of telling by which of four right angles an image was turned
  double generator_learning_rate = 0;
  double generator_beta1 = -1;
  double generator_beta2 = -1;

  static constexpr const char* kRandomStart = "random";
  static constexpr const char* kPatchesStart = "patches";
  bool has_generator() const { return adversarial > 0; }
};

template <class Visitor>
void describe(TrainOptions& o, Visitor&& f) {
  f(o.steps, "steps", "pairs of updates, one of each network; 0 writes the untrained model");
  f(o.batch_size, "batch-size", "images per minibatch, divided among the processes if there are several");
  f(o.schedule, "schedule", "alternating: a minibatch updates one network (authors); both: each updates both");
  f(o.learning_rate, "learning-rate", "Adam's step size");
  f(o.beta1, "beta1", "Adam's decay of the first moment");
  f(o.beta2, "beta2", "Adam's decay of the second moment");
  f(o.weight_decay, "weight-decay", "L2 penalty added to every gradient");
  f(o.decoupled_weight_decay, "decoupled-weight-decay",
    "AdamW: weights shrink by learning rate x weight decay instead; nothing is added to gradients");
  f(o.warm_up_steps, "warm-up-steps", "first steps, over which the learning rate rises linearly from 0");
  f(o.decay_steps, "decay-steps",
    "last steps, over which the learning rate falls to 0; a run without may be resumed with some that are to come");
  f(o.decay_shape, "decay-shape", "how it falls: linear or cosine");
  f(o.average_decay, "average-decay",
    "samples and model are made of averaged weights: average = X * average + (1 - X) * weight after each step; 0: of "
    "the last ones");
  f(o.sync_batch_norm, "sync-batch-norm",
    "batch norm takes the statistics of the whole minibatch, not of the part that a process has");
  f(o.precision, "precision",
    "f32; faster where the hardware has it and less exact: tf32 (GPUs), bf16 (GPUs, processors with AMX or AVX-512 "
    "BF16); parameters and Adam are f32 in any case");
  f(o.cuda_graphs, "cuda-graphs",
    "steps of one process on a GPU are recorded once and run again as one piece of work, which is faster: on, off, or "
    "auto, where it works");
  f(o.on_collapse, "on-collapse",
    "when D(x) is stuck at 1 or all samples are alike: stop, rewind to a checkpoint, or warn; warn stops, too, when "
    "losses are not finite");
  f(o.statistics_minibatches, "statistics-minibatches",
    "minibatches of 128 training images that the model's batch-norm statistics are averaged over");
  f(o.log_every, "log-every", "steps from one line of metrics.jsonl to the next");
  f(o.sample_every, "sample-every", "steps from one grid of samples to the next");
  f(o.checkpoint_every, "checkpoint-every", "steps from one checkpoint to the next");
  f(o.keep_checkpoints, "keep-checkpoints", "newest checkpoints that are kept");
  f(o.frechet_images, "frechet-images",
    "real and generated images whose Frechet distance is logged with each checkpoint; 0: none");
  f(o.initialise, "initialise",
    "where weights start: random; patches: the discriminator's convolutions by K-means on whitened patches, layer by "
    "layer; or a model file, whose networks are taken and whose optimiser is not");
  f(o.adversarial, "adversarial", "weight of the published objective; 0: the discriminator alone, without a generator");
  f(o.contrastive, "contrastive",
    "weight of a second objective of the discriminator: to tell two random views of an image from views of others; "
    "packed images may be larger than the network's by a whole factor, for sharper views");
  f(o.contrastive_layers, "contrastive-layers",
    "weight of the contrastive objective on layers 2 to the last but one, relative to that on the last");
  f(o.adversarial_trunk, "adversarial-trunk",
    "on: the published objective trains all of the discriminator; off: its dense layers alone, on what the contrastive "
    "objective makes of the convolutions");
  f(o.adversarial_loss, "adversarial-loss", "of the published objective: logistic or hinge");
  f(o.shared_noise, "shared-noise",
    "both steps of a pair have one noise, as in PyTorch's DCGAN example; only with --schedule both");
  f(o.augment, "augment",
    "the published objective sees real and generated images in other colours, moved and with a square cut out; for "
    "small sets");
  f(o.spectral_norm, "spectral-norm", "the discriminator's weights are divided by their largest singular values");
  f(o.rotation, "rotation",
    "weight of another objective of the discriminator: to tell by which of four right angles an image was turned");
  f(o.generator_learning_rate, "generator-learning-rate", "Adam's step size for the generator; 0: --learning-rate");
  f(o.generator_beta1, "generator-beta1", "Adam's decay of the first moment for the generator; -1: --beta1");
  f(o.generator_beta2, "generator-beta2", "Adam's decay of the second moment for the generator; -1: --beta2");
}

/// Throws OptionError that names the flag, the value and the rule.
DCGAN_EXPORT void check(const TrainOptions& options);

/// Means over the steps since the last step that log_every divides; there the next report begins.
struct StepReport {
  int64_t step = 0;                   ///< pairs done
  double discriminator_loss = 0;      ///< mean BCE(D(x), 1) + mean BCE(D(G(z)), 0), nats
  double generator_loss = 0;          ///< mean BCE(D(G(z)), 1), nats
  double real_probability = 0;        ///< mean D(x)
  double fake_probability = 0;        ///< mean D(G(z)) in the discriminator's steps
  double discriminator_gradient = 0;  ///< Euclidean norm over all its parameters, without weight decay
  double generator_gradient = 0;      ///< the same of the generator
  double contrastive_loss = 0;        ///< mean over the views, on the last layer, nats
  double partner_found = 0;           ///< share of the views that no view is nearer to than the other of the same image
  double view_similarity = 0;         ///< mean cosine between views of different images
  double rotation_loss = 0;           ///< mean over the turned images, nats
  double turn_found = 0;              ///< share of the images whose turn is the likeliest to the discriminator
  double images_per_second = 0;       ///< real images shown to the discriminator
  bool has_generator = true;          ///< whether the values of the published objective mean something
  bool contrastive = false;           ///< whether those of the contrastive objective do
  bool rotation = false;              ///< whether those of the objective of turned images do
};

/// Hands each value that means something to the visitor with its name in metrics.jsonl and TensorBoard.
template <class Visitor>
void describe(const StepReport& r, Visitor&& f) {
  if (r.has_generator) {
    f("discriminator_loss", r.discriminator_loss);
    f("generator_loss", r.generator_loss);
    f("real_probability", r.real_probability);
    f("fake_probability", r.fake_probability);
  }
  f("discriminator_gradient", r.discriminator_gradient);
  if (r.has_generator) f("generator_gradient", r.generator_gradient);
  if (r.contrastive) {
    f("contrastive_loss", r.contrastive_loss);
    f("partner_found", r.partner_found);
    f("view_similarity", r.view_similarity);
  }
  if (r.rotation) {
    f("rotation_loss", r.rotation_loss);
    f("turn_found", r.turn_found);
  }
  f("images_per_second", r.images_per_second);
}

/// What a training tells its caller, and asks it, on the training thread; each does nothing where it is not set.
struct TrainObserver {
  std::function<void(const std::string& line)> on_message = [](const std::string&) {};
  /// The first training in this run folder, or one that replaces another, is about to begin: nothing is left that could
  /// refuse it, and what an earlier run wrote is gone.
  std::function<void()> on_new_run = [] {};
  /// Several times a second while processes of a training of several have not come, in each of those that have; what it
  /// throws ends the wait. @param missing  who, "processes 1, 3 of 0 to 3"; empty where the first process says it
  std::function<void(const std::string& missing)> on_waiting = [](const std::string&) {};
  std::function<void(int64_t done, int64_t total)> on_step = [](int64_t, int64_t) {};
  std::function<void(const StepReport& report)> on_report = [](const StepReport&) {};
  /// A model was written; the caller may measure how good it is, on images that are no test set.
  /// @return a score, higher is better; the model of the best one is kept as best.safetensors. Nothing: not measured.
  std::function<std::optional<double>(const std::string& model_file)> probe = [](const std::string&) {
    return std::optional<double>();
  };
  /// Asked after every step; true ends the training after a checkpoint.
  std::function<bool()> should_stop = [] { return false; };
};

/// One of several processes that train together, on one machine or many, each on its part of every minibatch
/// (data-parallel, gradients averaged; c10d, with Gloo on CPUs and NCCL on GPUs). The first alone writes the run folder
/// and calls all functions of TrainObserver, the others only on_waiting(), should_stop() and on_step(). With
/// sync_batch_norm the parameters are those of one process up to rounding.
struct ProcessOptions {
  int64_t rank = 0;  ///< 0 to count - 1
  int64_t count = 1;
  int64_t local_rank = 0;             ///< among the processes that see the same GPUs: the number of its own
  std::string address = "127.0.0.1";  ///< of the first process, where all meet
  int64_t port = 29500;
  bool has_store = false;  ///< a store listens there already, as under torchrun
  int64_t attempt = 0;     ///< how often all were started again; a store that outlives them remembers the dead
  std::string interface;   ///< network interface for the traffic; empty: that of the host's name
};

/// A training in a run folder:
///   options.json, metrics.jsonl, events.out.tfevents.* (TensorBoard), samples/step-*.png,
///   checkpoints/step-*.safetensors, model.safetensors, best.safetensors (where the observer probes).
/// Everything random is a function of the seed and the step, so that stopping at any step and resuming gives the same
/// parameters, bit for bit on one type of CPU with the same number of threads, as never stopping. On a GPU the order
/// of sums is not fixed: there a resumed run agrees up to rounding.
struct TrainingRun {
  std::string folder;
  ArchitectureOptions architecture;
  TrainOptions options;
  uint64_t seed = 42;
  int64_t threads = 0;          ///< 0: LibTorch's default
  std::string device = "auto";  ///< auto, cpu, cuda or cuda:N
  std::string data_source;      ///< recorded in the model
  /// Whether the images may be in this machine's memory; if not, each minibatch is read from the packed file. On a GPU
  /// they are in its own memory wherever that has room. The parameters are the same.
  bool images_in_memory = true;
  int64_t available_memory = 0;  ///< bytes; a training on a CPU that needs more is refused; 0: unknown
  ProcessOptions processes;
  OutputMode mode = OutputMode::kCreate;
};

/// Runs until `options.steps` pairs are done or the observer stops it.
/// @return pairs done
/// @throws Error, OptionError or FileError: a folder that holds a run (kCreate), a resume with other options (which),
///         images of another size than the network's, a batch larger than the data, losses that are not finite, a
///         device without enough memory (how much is needed).
DCGAN_EXPORT int64_t run_training(const TrainingRun& run, const PackedImageReader& images,
                                  const TrainObserver& observer = {});

/// What a training will take.
struct TrainingEstimate {
  int64_t discriminator_parameters = 0;
  int64_t generator_parameters = 0;
  double step_seconds = 0;   ///< one pair of updates
  int64_t memory_bytes = 0;  ///< peak of the steps; on a GPU, what can be counted: images, weights, maps
  std::string device;        ///< what "auto" took
};

/// Makes the networks and runs some pairs of steps, of which the last two are timed; writes nothing.
/// @throws as run_training() for options and images that do not fit.
DCGAN_EXPORT TrainingEstimate estimate_training(const TrainingRun& run, const PackedImageReader& images);

}  // namespace dcgan
