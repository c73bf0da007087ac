#pragma once

#include "tools/cli/command_line.h"

namespace dcgan::eval_tool {

/// dcgan-eval svm: fits a linear machine to one feature file and says how well it does on another
int svm_command(cli::CommandLine& line);
/// dcgan-eval predict: classes of images, or of rows of a feature file, by a machine that svm kept
int predict_command(cli::CommandLine& line);
/// dcgan-eval compress: fits the principal components of features
int compress_command(cli::CommandLine& line);
/// dcgan-eval knn: the classes of the nearest rows of one file, tested on another
int knn_command(cli::CommandLine& line);
/// dcgan-eval cifar10: Table 1 of the paper with our rows beside it
int cifar10_command(cli::CommandLine& line);
/// dcgan-eval svhn: Table 2
int svhn_command(cli::CommandLine& line);

}  // namespace dcgan::eval_tool
