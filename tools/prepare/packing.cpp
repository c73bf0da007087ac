#include "tools/prepare/packing.h"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "data/pack.h"
#include "tools/cli/progress.h"

namespace dcgan::tools {
namespace {

using nlohmann::ordered_json;

int report(const data::PackResult& result, const data::ImageSource& source, const OutputOptions& output,
           const cli::CommonOptions& common) {
  for (const Failure& failure : result.failures) cli::log(common.quiet, failure.path + ": " + failure.reason);
  const size_t classes = source.classes().size();
  if (common.json) {
    std::cout << ordered_json({{"output", output.output},
                               {"inputs", source.count()},
                               {"images", result.images},
                               {"failures", result.failures.size()},
                               {"classes", classes},
                               {"decode_seconds", result.times.decode_s}})
              << "\n";
  } else {
    std::cout << output.output << ": " << result.images << " images, " << classes << " classes, "
              << result.failures.size() << " failures\n";
  }
  constexpr int kSomeInputsFailed = 3;
  return result.failures.empty() ? 0 : kSomeInputsFailed;
}

}  // namespace

void require_given(const std::string& value, const std::string& flag, const std::string& what) {
  if (value.empty()) throw OptionError(flag + " is missing; it names " + what + ".");
}

int pack(const data::ImageSource& source, const data::Preparation& preparation, const OutputOptions& output,
         const cli::CommonOptions& common, const cli::CommandLine& line) {
  require_given(output.output, "-o", "the packed file to make");
  auto progress = std::make_unique<cli::Progress>("image", source.count(), common.quiet);
  data::PackJob job;
  job.output = output.output;
  job.overwrite = output.overwrite;
  job.preparation = preparation;
  job.threads = cli::resolve_threads(common.threads);
  job.seed = common.seed;
  job.command_line = line.text();
  job.on_progress = [&](int64_t done, int64_t /*total*/) { progress->update(done); };
  job.should_stop = cli::interrupted;
  const data::PackResult result = data::pack_images(source, job);
  progress.reset();
  if (result.stopped) throw cli::Interrupted();
  return report(result, source, output, common);
}

}  // namespace dcgan::tools
