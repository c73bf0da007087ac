#include "tools/prepare/packing.h"

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "data/pack.h"
#include "dcgan/packed_images.h"
#include "tools/cli/progress.h"

namespace dcgan::prepare_tool {
namespace {

using nlohmann::ordered_json;

int report(const data::PackResult& result, const data::ImageSource& source, const Packing& packing,
           const cli::CommonOptions& common) {
  for (const Failure& failure : result.failures) cli::log(common.quiet, failure.path + ": " + failure.reason);
  ordered_json counts = {
      {"images", result.images}, {"classes", source.classes().size()}, {"failures", result.all_failures}};
  counts.update(packing.found);
  if (common.json) {
    ordered_json all = {{"output", packing.output.output}, {"inputs", source.count()}};
    all.update(counts);
    all["decode_seconds"] = result.times.decode_s;
    std::cout << all << "\n";
  } else {
    std::string text;
    for (const auto& [name, count] : counts.items()) text += (text.empty() ? ": " : ", ") + count.dump() + " " + name;
    std::cout << packing.output.output << text << "\n";
  }
  return result.all_failures == 0 ? 0 : cli::kSomeInputsFailed;
}

OutputMode output_mode(const OutputOptions& options) {
  if (options.resume && options.overwrite) throw OptionError("--resume goes on, --overwrite starts anew; choose one.");
  return options.resume ? OutputMode::kResume : options.overwrite ? OutputMode::kOverwrite : OutputMode::kCreate;
}

}  // namespace

bool is_complete(const OutputOptions& output) {
  require_given(output.output, "-o", "the packed file to make");
  const OutputMode mode = output_mode(output);
  if (output.resume && std::filesystem::exists(output.output)) {
    std::cout << output.output << ": complete already\n";
    return true;
  }
  PackedImageWriter::check_output(output.output, mode);
  return false;
}

void require_given(const std::string& value, const std::string& flag, const std::string& what) {
  if (value.empty()) throw OptionError(flag + " is missing; it names " + what + ".");
}

int pack(const data::ImageSource& source, const Packing& packing, const cli::CommonOptions& common,
         const cli::CommandLine& line) {
  const OutputOptions& output = packing.output;
  if (is_complete(output)) return 0;
  auto progress = std::make_unique<cli::Progress>("image", source.count(), common.quiet);
  data::PackJob job;
  job.output = output.output;
  job.mode = output_mode(output);
  job.preparation = packing.preparation;
  job.threads = cli::resolve_threads(common.threads);
  job.seed = common.seed;
  job.command_line = line.text();
  job.on_progress = [&](int64_t done, int64_t /*total*/) { progress->update(done); };
  job.should_stop = cli::interrupted;
  const data::PackResult result = data::pack_images(source, job);
  progress.reset();
  if (result.resumed_at > 0) {
    cli::log(common.quiet, "went on after " + std::to_string(result.resumed_at) + " inputs");
  }
  if (result.stopped) throw cli::Interrupted();
  return report(result, source, packing, common);
}

}  // namespace dcgan::prepare_tool
