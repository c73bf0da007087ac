// dcgan-extract: features of images into HDF5.

#include "tools/cli/program.h"
#include "tools/extract/commands.h"

int main(int argc, char** argv) {
  using namespace dcgan::extract_tool;
  return dcgan::cli::run_program(
      argc, argv,
      {"Features of images into HDF5.",
       {{"merge", "puts the parts that --shard wrote together", merge_command},
        {"info", "says what a feature file holds", info_command},
        {"verify", "checks a feature file, and extracts some of its rows again", verify_command},
        {"export", "NumPy and CSV files of a feature file", export_command}},
       extract_command});
}
