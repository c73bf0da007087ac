#include "train/memory_need.h"

#include <algorithm>
#include <vector>

#include "dcgan/architecture.h"
#include "dcgan/errors.h"

namespace dcgan::train {

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
  const DiscriminatorLayers down = discriminator_layers(run.architecture);
  int64_t weights = down.hidden ? down.hidden->outputs * (down.hidden->inputs + 1) : down.head.inputs;
  std::vector<ConvolutionShape> generator_shapes;
  if (run.architecture.has_generator()) {
    const GeneratorLayers up = generator_layers(run.architecture);
    const int64_t nz = run.architecture.nz, units = up.project.units();
    weights += up.hidden ? up.hidden->outputs * (nz + units) : nz * units;
    generator_shapes = up.convolutions;
  }
  const int64_t discriminator = values_of(down.convolutions, weights);
  const int64_t generator = run.options.has_generator() ? values_of(generator_shapes, weights) : 0;
  const int64_t copies = run.options.average_decay > 0 ? 5 : 4;  // value, gradient, two moments; average
  const int64_t batch = (run.options.batch_size + run.processes.count - 1) / run.processes.count;
  const int64_t value_bytes = run.options.precision == Precision::kBf16 ? 2 : 4;
  const int64_t adversarial = run.options.has_generator() ? 2 * discriminator : 0;  // real and generated images
  const int64_t contrastive = run.options.contrastive > 0 ? 2 * discriminator : 0;  // two views
  const int64_t rotation = run.options.rotation > 0 ? discriminator : 0;
  const int64_t maps = batch * std::max(adversarial + contrastive + rotation, discriminator + generator);
  return {images.count() * images.info().height * images.info().width * 3, 4 * copies * weights + value_bytes * maps};
}

ImagePlace place_of_images(const TrainingRun& run, const MemoryNeed& need, std::optional<int64_t> free) {
  const ImagePlace otherwise = run.images_in_memory ? ImagePlace::kHost : ImagePlace::kFile;
  // Twice what the steps need by count: workspace, and what the allocator keeps between sizes.
  return free && need.images + 2 * need.steps <= *free ? ImagePlace::kDevice : otherwise;
}

Error not_enough_memory(const TrainingRun& run, const PackedImageReader& images, const std::string& what) {
  const auto megabytes = [](int64_t bytes) { return text_of(bytes / 1000000, " MB"); };
  const MemoryNeed need = memory_need(run, images);
  const int64_t loaded = run.images_in_memory ? need.images : 0;
  return Error(ErrorCode::kNoMemory, "--device ", run.device, " has not enough memory (", what,
               "): a training like this needs at least ", megabytes(loaded + need.steps), ", of which the images take ",
               megabytes(loaded),
               ". Take a smaller --batch-size, --ndf or --ngf, or a --max-memory below the images' size, which leaves "
               "them in their file. Checkpoints that were written are kept.");
}

void check_memory(const TrainingRun& run, const PackedImageReader& images, c10::Device device) {
  const int64_t available = run.available_memory;
  const MemoryNeed need = memory_need(run, images);
  const int64_t all = need.steps + (run.images_in_memory ? need.images : 0);
  if (!device.is_cpu() || available == 0 || all <= available) return;
  throw not_enough_memory(run, images, text_of(available / 1000000, " MB are available"));
}

}  // namespace dcgan::train
