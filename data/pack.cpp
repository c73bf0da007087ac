#include "data/pack.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "data/packed_contents.h"
#include "dcgan/errors.h"
#include "dcgan/packed_images.h"
#include "dcgan/text.h"

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
  info.preparation = json_text(preparation);
  info.input_list = input_list_hash(source);
  PackedImageWriter writer(job.output, info, job.mode);
  PackResult result;
  result.classes = ClassCounts(source.classes());
  result.resumed_at = writer.inputs_done();
  PipelineOptions options;
  options.threads = job.threads;
  options.begin = writer.inputs_done();
  ImagePipeline pipeline(source, job.preparation, options);
  std::string first_failure;
  // A run that is killed loses a second of work or so.
  constexpr std::chrono::seconds kFlushInterval{1};
  auto flushed = std::chrono::steady_clock::now();
  for (DecodedBlock block; pipeline.next(block);) {
    writer.warn(block.warnings);
    writer.append(block.images, block.failures, block.first + block.inputs);
    if (std::chrono::steady_clock::now() - flushed > kFlushInterval) {
      writer.flush();
      flushed = std::chrono::steady_clock::now();
    }
    for (const Failure& failure : block.failures) {
      if (first_failure.empty()) first_failure = "; the first, " + failure.path + ": " + failure.reason;
      job.on_failure(failure);
    }
    for (const int32_t label : block.images.labels) result.classes.add(label);
    for (const auto& [remark, count] : block.remarks) result.remarks[remark] += count;
    job.on_progress(block.first + block.inputs, source.count());
    result.stopped = job.should_stop();
    if (result.stopped) return result;
  }
  result.failures = writer.failure_count();
  result.warnings = writer.warning_count();
  result.images = writer.count();
  result.times = pipeline.times();
  if (result.images == 0) {
    writer.discard();
    throw Error("none of the ", source.count(), " inputs gave an image", first_failure, ".");
  }
  writer.close();
  // Those of the run that was resumed count, too.
  if (result.resumed_at > 0) result.classes = class_counts(PackedImageReader(job.output));
  return result;
}

}  // namespace dcgan::data
