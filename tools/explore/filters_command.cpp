#include "dcgan/errors.h"
#include "dcgan/filters.h"
#include "dcgan/pictures.h"
#include "tools/cli/command_line.h"
#include "tools/cli/shipped_files.h"
#include "tools/cli/text_values.h"
#include "tools/explore/commands.h"
#include "tools/explore/results.h"

namespace dcgan::explore_tool {
namespace {

struct FiltersOptions {
  std::string model;
  int64_t columns = 16;
  int64_t scale = 8;
};

template <class Visitor>
void describe(FiltersOptions& o, Visitor&& f) {
  f(o.model, "model", "model file (.safetensors), a run folder, or the name of one that ships");
  f(o.columns, "columns", "kernels side by side, of either kind");
  f(o.scale, "scale", "side of a weight in the picture, pixels");
}

}  // namespace

int filters_command(cli::CommandLine& line) {
  FiltersOptions options;
  ResultOptions output;
  line.about(
      "The kernels of the discriminator's first convolution, and beside them as many random ones as training starts "
      "with. Each is scaled by its own largest weight; grey is 0.",
      "--model run/model.safetensors --out pictures");
  line.without({"threads", "device"});
  line.add("Filters", options);
  line.add("Output", output);
  line.require(options.model, "--model", "a model file");
  line.require(output.out, "--out", "the folder that gets filters.png");
  if (!line.parse()) return 0;
  require_option(options.columns >= 1 && options.columns <= 1000, "columns", options.columns, "from 1 to 1,000");
  require_option(options.scale >= 1 && options.scale <= 100, "scale", options.scale, "from 1 to 100");
  Results results(line, output, {"filters.png", "filters.h5"});
  const ModelFile model = load_model(cli::model_file("--model", options.model));
  const Kernels learned = first_kernels(model), random = random_kernels(model, line.common().seed);
  const auto picture = [&](const Kernels& kernels) {
    return enlarged(images_of_values(kernels.values, kernels.size), options.scale);
  };
  results.facts.update({{"model-sha256", model.sha256},
                        {"kernels", learned.count},
                        {"size", learned.size},
                        {"learned-deviation", learned.deviation()},
                        {"random-deviation", random.deviation()}});
  results.picture("filters.png", "Learned kernels, and random ones beside them",
                  beside(picture(learned), picture(random), options.columns), beside_columns(options.columns));
  ArrayFile arrays;
  const std::vector<int64_t> shape = {learned.count, 3, learned.size, learned.size};
  arrays.arrays["learned"] = {shape, learned.values};
  arrays.arrays["random"] = {shape, random.values};
  arrays.facts = results.facts.dump();
  results.arrays("filters.h5", arrays);
  results.finish(text_of(learned.count, " kernels, root of their mean square ", cli::to_text(learned.deviation()),
                         ", of random ones ", cli::to_text(random.deviation()), "\n"));
  return 0;
}

}  // namespace dcgan::explore_tool
