#include "data/pack.h"

#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/packed_images.h"

namespace dcgan::data {

PackResult pack_images(const ImageSource& source, const PackJob& job) {
  using nlohmann::ordered_json;
  PackedImagesInfo info;
  info.height = info.width = job.resize.size;
  info.classes = source.classes();
  info.command_line = job.command_line;
  info.preparation = ordered_json({{"source", ordered_json::parse(source.description())},
                                   {"resize", ordered_json::parse(resize_description(job.resize))},
                                   {"seed", job.seed}})
                         .dump();
  PackedImageWriter writer(job.output, info, job.overwrite);
  PipelineOptions options;
  options.threads = job.threads;
  ImagePipeline pipeline(source, job.resize, options);
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
    throw Error("none of the " + std::to_string(source.count()) + " inputs is a usable image; the first, " +
                result.failures.front().path + ": " + result.failures.front().reason + ".");
  }
  writer.close();
  return result;
}

}  // namespace dcgan::data
