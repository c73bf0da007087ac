// dcgan-explore: what a generator has learnt. So far a grid of its samples.

#include "tools/cli/program.h"
#include "tools/explore/commands.h"

int main(int argc, char** argv) {
  return dcgan::cli::run_program(
      argc, argv,
      {"What a generator has learnt.",
       {{"samples", "a grid of a generator's samples", dcgan::explore_tool::samples_command}},
       nullptr});
}
