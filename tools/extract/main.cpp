// dcgan-extract: features of images into HDF5.

#include "tools/cli/command_line.h"
#include "tools/extract/export_command.h"
#include "tools/extract/extract_command.h"
#include "tools/extract/merge_command.h"
#include "tools/extract/verify_command.h"

int main(int argc, char** argv) {
  return dcgan::cli::run_program(
      argc, argv, "Features of images into HDF5.",
      {{"merge", "puts the parts that --shard wrote together", dcgan::tools::merge_command},
       {"verify", "checks a feature file, and extracts some of its rows again", dcgan::tools::verify_command},
       {"export", "NumPy and CSV files of a feature file", dcgan::tools::export_command}},
      dcgan::tools::extract_command);
}
