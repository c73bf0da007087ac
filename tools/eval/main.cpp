// dcgan-eval: how much features are worth.

#include "tools/cli/command_line.h"
#include "tools/eval/protocol_commands.h"
#include "tools/eval/svm_command.h"

int main(int argc, char** argv) {
  using namespace dcgan;
  return cli::run_program(argc, argv, "Measures features with a linear SVM.",
                          {{"svm", "fit one feature file, test on another", tools::svm_command},
                           {"cifar10", "Table 1 of the paper with our rows beside it", tools::cifar10_command},
                           {"svhn", "Table 2 of the paper with our rows beside it", tools::svhn_command}});
}
