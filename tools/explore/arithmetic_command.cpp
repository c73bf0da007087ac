#include "dcgan/errors.h"
#include "dcgan/latent_space.h"
#include "dcgan/pictures.h"
#include "tools/cli/command_line.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/results.h"

namespace dcgan::explore_tool {
namespace {

struct ArithmeticOptions {
  std::string a, b, c;
  double noise = 0.25;  ///< arXiv:1511.06434, figure 7
};

template <class Visitor>
void describe(ArithmeticOptions& o, Visitor&& f) {
  f(o.a, "a", "exemplars of the first concept, by name or number in --z; the paper takes three, 3,17,4");
  f(o.b, "b", "exemplars of the concept that is taken away");
  f(o.c, "c", "exemplars of the concept that is added");
  f(o.noise, "noise", "half width of the uniform noise that makes the eight neighbours of the result");
}

constexpr int64_t kSide = 3;  // of the result with its neighbours

/// The images in the order in which nine of them make a square with the first in its middle.
std::vector<int64_t> around_the_first() { return {1, 2, 3, 4, 0, 5, 6, 7, 8}; }

struct Concept {
  std::vector<int64_t> rows;
  std::vector<float> mean;
};

Concept concept_of(const NamedNoise& noise, int64_t nz, const std::string& flag, const std::string& text) {
  Concept made;
  made.rows = rows_of(noise, flag, text);
  made.mean = mean_of(noise.z, nz, made.rows);
  return made;
}

}  // namespace

int arithmetic_command(cli::CommandLine& line) {
  GeneratorOptions generator_options;
  ArithmeticOptions options;
  ResultOptions output;
  line.about(
      "A - B + C with the means of the noise of exemplars: the result in the middle of eight neighbours, and beside it "
      "the same arithmetic on pixels (Radford et al. 2016, figure 7).",
      "--model run/model.safetensors --z digits.h5 --a 0,1,2 --b 3,4,5 --c 6,7,8 --out pictures");
  line.add("Generator", generator_options);
  line.add("Arithmetic", options);
  line.add("Output", output);
  line.require(generator_options.model, "--model", "a model file with a generator");
  line.require(generator_options.z, "--z", "the file with the noise of the exemplars, as samples --save writes it");
  line.require(options.a, "--a", "exemplars in --z");
  line.require(options.b, "--b", "exemplars in --z");
  line.require(options.c, "--c", "exemplars in --z");
  line.require(output.out, "--out", "the folder that gets arithmetic.png");
  if (!line.parse()) return 0;
  require_option(options.noise >= 0 && options.noise <= 10, "noise", options.noise, "from 0 to 10");
  Results results(line, output, {"arithmetic.png", "arithmetic-result.png", "arithmetic-pixels.png", "arithmetic.h5"});
  const Generator generator(generator_options, line.common());
  const NamedNoise noise = generator.noise(0);
  const Concept a = concept_of(noise, generator.nz(), "--a", options.a);
  const Concept b = concept_of(noise, generator.nz(), "--b", options.b);
  const Concept c = concept_of(noise, generator.nz(), "--c", options.c);

  NamedNoise made;
  made.z = difference_added(a.mean, b.mean, c.mean);
  const std::vector<float> result = made.z;
  const std::vector<float> neighbours = neighbourhood(result, kSide * kSide - 1, options.noise, line.common().seed);
  made.z.insert(made.z.end(), neighbours.begin(), neighbours.end());
  made.names = {"result"};
  for (int64_t i = 1; i < kSide * kSide; ++i) made.names.push_back(text_of("neighbour-", i));
  for (const auto& [name, from] : {std::pair{"a", &a}, {"b", &b}, {"c", &c}}) {
    made.z.insert(made.z.end(), from->mean.begin(), from->mean.end());
    made.names.emplace_back(name);
  }

  const ImageBatch images = generator.images(made.z);
  ImageBatch exemplars;
  std::vector<double> weights;
  size_t columns = 0;
  for (const Concept* from : {&a, &b, &c}) columns = std::max(columns, from->rows.size());
  // A row for each concept: its exemplars, and the image of their mean at the end.
  ImageBatch rows;
  int64_t number = kSide * kSide;
  for (const auto& [from, sign] : {std::pair{&a, 1.0}, {&b, -1.0}, {&c, 1.0}}) {
    const ImageBatch some = generator.images(chosen(noise, from->rows).z);
    append_images(exemplars, some);
    weights.insert(weights.end(), from->rows.size(), sign / static_cast<double>(from->rows.size()));
    append_images(rows, beside(some, chosen_images(images, {number++}), static_cast<int64_t>(columns)));
  }

  generator.add_facts(results);
  const auto names = [&](const Concept& from) { return chosen(noise, from.rows).names; };
  results.facts.update({{"a", names(a)}, {"b", names(b)}, {"c", names(c)}, {"noise", options.noise}});
  results.picture("arithmetic.png", "The exemplars of A, B and C, row by row, and after a gap the image of their mean",
                  rows, beside_columns(static_cast<int64_t>(columns)));
  results.picture("arithmetic-result.png", "A - B + C, and around it eight neighbours",
                  chosen_images(images, around_the_first()), kSide);
  results.picture("arithmetic-pixels.png", "The same arithmetic on the pixels of the exemplars",
                  weighted_sum(exemplars, weights), 1);
  results.noise("arithmetic.h5", made);
  results.finish("A - B + C\n");
  return 0;
}

}  // namespace dcgan::explore_tool
