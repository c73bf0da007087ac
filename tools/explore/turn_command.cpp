#include "dcgan/errors.h"
#include "dcgan/latent_space.h"
#include "tools/cli/command_line.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/results.h"

namespace dcgan::explore_tool {
namespace {

struct TurnOptions : Turn {
  std::string from, to;
  int64_t count = 5;  ///< arXiv:1511.06434, figure 8, as are the eleven steps
};

template <class Visitor>
void describe(TurnOptions& o, Visitor&& f) {
  f(o.from, "from", "samples of --z at one end, by name or number; the paper takes four, 0,1,2,3");
  f(o.to, "to", "samples at the other end; the axis goes from the mean of those to the mean of these");
  f(o.count, "count", "new samples, drawn by --seed, that are moved along the axis, a row each");
  f(o.steps, "steps", "images of each; with an odd number the middle one is the sample as it was drawn");
  f(o.reach, "reach", "how far, in lengths of the axis to either side");
}

void check(const TurnOptions& o) {
  require_option(o.count >= 1 && o.count <= 1000, "count", o.count, "from 1 to 1,000");
  require_option(o.steps >= 2 && o.steps <= 1000, "steps", o.steps, "from 2 to 1,000");
  require_option(o.reach > 0 && o.reach <= 100, "reach", o.reach, "positive and at most 100");
}

}  // namespace

int turn_command(cli::CommandLine& line) {
  GeneratorOptions generator_options;
  TurnOptions options;
  ResultOptions output;
  line.about(
      "New samples moved along the axis between two groups of samples, as the paper turns faces (Radford et al. 2016, "
      "figure 8).",
      "--model run/model.safetensors --z digits.h5 --from 0,1,2,3 --to 4,5,6,7 --out pictures");
  line.add("Generator", generator_options);
  line.add("Turn", options);
  line.add("Output", output);
  line.require(generator_options.model, "--model", "a model file with a generator");
  line.require(generator_options.z, "--z", "the file with the noise of the two groups, as samples --save writes it");
  line.require(options.from, "--from", "samples in --z");
  line.require(options.to, "--to", "samples in --z");
  line.require(output.out, "--out", "the folder that gets turn.png");
  if (!line.parse()) return 0;
  check(options);
  Results results(line, output, {"turn.png", "turn.h5"});
  const Generator generator(generator_options, line.common());
  const NamedNoise groups = generator.noise(0);
  const std::vector<int64_t> from = rows_of(groups, "--from", options.from);
  const std::vector<int64_t> to = rows_of(groups, "--to", options.to);
  std::vector<float> axis = mean_of(groups.z, generator.nz(), to);
  const std::vector<float> start = mean_of(groups.z, generator.nz(), from);
  for (size_t i = 0; i < axis.size(); ++i) axis[i] -= start[i];

  NamedNoise moved;
  moved.z = turned(generator.drawn(options.count).z, axis, options);
  for (int64_t i = 0; i < options.count * options.steps; ++i) {
    moved.names.push_back(text_of("sample-", i / options.steps, "-step-", i % options.steps));
  }
  generator.add_facts(results);
  results.facts.update({{"from", chosen(groups, from).names},
                        {"to", chosen(groups, to).names},
                        {"reach", options.reach},
                        {"steps", options.steps}});
  results.picture("turn.png", "New samples, a row each, moved along the axis", generator.images(moved.z),
                  options.steps);
  results.noise("turn.h5", moved);
  results.finish(text_of(options.count, " samples in ", options.steps, " steps\n"));
  return 0;
}

}  // namespace dcgan::explore_tool
