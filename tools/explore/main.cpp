// dcgan-explore: what networks have learned, as pictures and numbers.

#include "tools/cli/program.h"
#include "tools/explore/commands.h"

int main(int argc, char** argv) {
  using namespace dcgan::explore_tool;
  return dcgan::cli::run_program(
      argc, argv,
      {"What the networks learned, as pictures and numbers.",
       {{"samples", "a grid of a generator's samples; keeps chosen ones", samples_command},
        {"walk", "a path through the noise, as a grid and an animation", walk_command},
        {"arithmetic", "A - B + C on the noise of samples", arithmetic_command},
        {"turn", "new samples moved along an axis between two groups", turn_command},
        {"drop", "an object forgotten: maps that stand for it are switched off", drop_command},
        {"drop annotate", "draws the boxes for it, in a browser", annotate_command},
        {"guided", "what channels of the discriminator answer to", guided_command},
        {"maps", "what the feature extractor sees of one image", maps_command},
        {"neighbours", "the nearest images of images or samples", neighbours_command},
        {"filters", "the first kernels, beside random ones", filters_command}},
       nullptr});
}
