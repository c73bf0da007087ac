#include "data/pack.h"

#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/packed_images.h"

namespace dcgan::data {

PackResult pack_images(const ImageSource& source, const PackJob& job) {
  using nlohmann::ordered_json;
  PackedImagesInfo info;
  info.height = info.width = job.preparation.size;
  info.classes = source.classes();
  info.command_line = job.command_line;
  ordered_json preparation = {{"source", ordered_json::parse(source.description())}};
  preparation.update(ordered_json::parse(job.preparation.description));
  preparation["seed"] = job.seed;
  info.preparation = preparation.dump();
  PackedImageWriter writer(job.output, info, job.overwrite);
  PipelineOptions options;
  options.threads = job.threads;
  ImagePipeline pipeline(source, job.preparation, options);
  PackResult result;
  for (DecodedBlock block; pipeline.next(block);) {
    writer.append(block.images);
    for (const Failure& failure : block.failures) writer.add_failure(failure);
    result.failures.insert(result.failures.end(), block.failures.begin(), block.failures.end());
    job.on_progress(block.first + block.inputs, source.count());
    result.stopped = job.should_stop();
    if (result.stopped) return result;
  }
  result.images = writer.count();
  result.times = pipeline.times();
  if (result.images == 0) {
    throw Error("none of the " + std::to_string(source.count()) + " inputs gave an image" +
                (result.failures.empty()
                     ? "."
                     : "; the first, " + result.failures.front().path + ": " + result.failures.front().reason + "."));
  }
  writer.close();
  return result;
}

}  // namespace dcgan::data
