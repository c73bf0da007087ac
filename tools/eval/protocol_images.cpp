#include "tools/eval/protocol_images.h"

#include "data/image_pipeline.h"
#include "tools/cli/failure_log.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"

namespace dcgan::eval_tool {

LoadedImages LoadedImages::at(const std::vector<int64_t>& indices) const {
  LoadedImages part;
  part.classes = classes;
  part.batch.height = batch.height;
  part.batch.width = batch.width;
  const int64_t bytes = batch.height * batch.width * 3;
  for (const int64_t i : indices) {
    const auto pixels = batch.pixels.begin() + i * bytes;
    part.batch.pixels.insert(part.batch.pixels.end(), pixels, pixels + bytes);
    part.batch.paths.push_back(batch.paths[i]);
    part.batch.labels.push_back(batch.labels[i]);
    if (!groups.empty()) part.groups.push_back(groups[i]);
  }
  return part;
}

LoadedImages load_images(const data::ImageSource& source, int64_t size, const cli::CommonOptions& common) {
  data::ImagePipeline pipeline(source, data::ResizeOptions{size}, {common.threads});
  LoadedImages images;
  images.classes = source.classes();
  images.batch.height = images.batch.width = size;
  images.batch.pixels.reserve(source.count() * size * size * 3);
  cli::FailureLog failures;
  cli::Progress progress("images", source.count(), common);
  for (data::DecodedBlock block; pipeline.next(block);) {
    cli::stop_if_interrupted();
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(images.batch.pixels, block.images.pixels);
    append(images.batch.paths, block.images.paths);
    append(images.batch.labels, block.images.labels);
    for (const Failure& failure : block.failures) failures.add(failure);
    progress.update(block.first + block.inputs);
  }
  failures.finish("");
  images.failures = failures.count();
  return images;
}

}  // namespace dcgan::eval_tool
