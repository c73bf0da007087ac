#include "tools/prepare/packing.h"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "data/pack.h"
#include "tools/cli/progress.h"

namespace dcgan::tools {
namespace {

using nlohmann::ordered_json;

int report(const data::PackResult& result, const data::ImageSource& source, const Packing& packing,
           const cli::CommonOptions& common) {
  for (const Failure& failure : result.failures) cli::log(common.quiet, failure.path + ": " + failure.reason);
  ordered_json counts = {
      {"images", result.images}, {"classes", source.classes().size()}, {"failures", result.failures.size()}};
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
  constexpr int kSomeInputsFailed = 3;
  return result.failures.empty() ? 0 : kSomeInputsFailed;
}

}  // namespace

void require_given(const std::string& value, const std::string& flag, const std::string& what) {
  if (value.empty()) throw OptionError(flag + " is missing; it names " + what + ".");
}

int pack(const data::ImageSource& source, const Packing& packing, const cli::CommonOptions& common,
         const cli::CommandLine& line) {
  const OutputOptions& output = packing.output;
  require_given(output.output, "-o", "the packed file to make");
  auto progress = std::make_unique<cli::Progress>("image", source.count(), common.quiet);
  data::PackJob job;
  job.output = output.output;
  job.overwrite = output.overwrite;
  job.preparation = packing.preparation;
  job.threads = cli::resolve_threads(common.threads);
  job.seed = common.seed;
  job.command_line = line.text();
  job.on_progress = [&](int64_t done, int64_t /*total*/) { progress->update(done); };
  job.should_stop = cli::interrupted;
  const data::PackResult result = data::pack_images(source, job);
  progress.reset();
  if (result.stopped) throw cli::Interrupted();
  return report(result, source, packing, common);
}

}  // namespace dcgan::tools
