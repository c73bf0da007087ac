// dcgan-train: trains a generator and a discriminator on unlabelled images.

#include "tools/cli/program.h"
#include "tools/train/commands.h"

int main(int argc, char** argv) {
  using namespace dcgan::train_tool;
  return dcgan::cli::run_program(argc, argv,
                                 {"Trains a DCGAN.",
                                  {{"report", "writes a run's curves and samples into one HTML file", report_command}},
                                  train_command});
}
