#include "tools/prepare/packing.h"

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "data/pack.h"
#include "dcgan/errors.h"
#include "dcgan/packed_images.h"
#include "tools/cli/failure_log.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/shared/inputs_report.h"

namespace dcgan::prepare_tool {
namespace {

using nlohmann::ordered_json;

int report(const data::PackResult& result, const data::ImageSource& source, const Packing& packing,
           const cli::CommonOptions& common) {
  ordered_json counts = {
      {"images", result.images}, {"classes", source.classes().size()}, {"failures", result.failures}};
  counts.update(packing.found);
  if (result.warnings > 0) counts["warnings"] = result.warnings;
  ordered_json all = {{"output", packing.output.path}, {"inputs", source.count()}};
  all.update(counts);
  all["warnings"] = result.warnings;
  const tools::InputsReport inputs{result.classes, packing.passed_over, result.remarks};
  inputs.add_to(all);
  all["decode_seconds"] = result.times.decode_s;
  std::string text;
  for (const auto& [name, count] : counts.items()) text += (text.empty() ? ": " : ", ") + count.dump() + " " + name;
  cli::print_result(common, all, packing.output.path + text + "\n" + inputs.text());
  return result.failures == 0 ? 0 : cli::kSomeInputsFailed;
}

}  // namespace

bool is_complete(const cli::Output& output) {
  output.require_given();
  if (output.resume && std::filesystem::exists(output.path)) {
    std::cout << output.path << ": complete already\n";
    return true;
  }
  cli::make_folder_of(output.path);
  PackedImageWriter::check_output(output.path, output.mode());
  return false;
}

int pack(const data::ImageSource& source, const Packing& packing, const cli::CommandLine& line) {
  const cli::Output& output = packing.output;
  const cli::CommonOptions& common = line.common();
  if (is_complete(output)) return 0;
  line.require_apart([&source] { return source.files(); });
  auto progress = std::make_unique<cli::Progress>("image", source.count(), common);
  int64_t inputs_done = 0;
  data::PackJob job;
  job.output = output.path;
  job.mode = output.mode();
  job.preparation = packing.preparation;
  job.threads = common.threads;
  job.seed = common.seed;
  job.command_line = line.text();
  cli::FailureLog failures;
  job.on_failure = [&](const Failure& failure) { failures.add(failure); };
  job.on_progress = [&](int64_t done, int64_t /*total*/) { progress->update(inputs_done = done); };
  job.should_stop = cli::interrupted;
  const data::PackResult result = data::pack_images(source, job);
  progress.reset();
  failures.finish(output.path);
  if (result.resumed_at > 0) {
    cli::log(common.quiet, text_of("went on after ", result.resumed_at, " inputs"));
  }
  if (result.stopped) throw cli::Interrupted(inputs_done, source.count(), "inputs");
  return report(result, source, packing, common);
}

}  // namespace dcgan::prepare_tool
