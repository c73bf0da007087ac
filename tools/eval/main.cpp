// dcgan-eval: how much features are worth.

#include "tools/cli/program.h"
#include "tools/eval/commands.h"

int main(int argc, char** argv) {
  using namespace dcgan::eval_tool;
  return dcgan::cli::run_program(
      argc, argv,
      {"Measures features with a linear SVM.",
       {{"svm", "fit one feature file, test on another", svm_command},
        {"predict", "classes of images or features by a machine that svm kept", predict_command},
        {"compress", "fewer numbers for each image: components of features", compress_command},
        {"knn", "the classes of the nearest rows of one file, tested on another", knn_command},
        {"cifar10", "Table 1 of the paper with our rows beside it", cifar10_command},
        {"svhn", "Table 2 of the paper with our rows beside it", svhn_command}},
       nullptr});
}
