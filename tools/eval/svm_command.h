#pragma once

namespace dcgan::tools {

/// dcgan-eval svm: fits a linear machine to one feature file and says how well it does on another.
int svm_command(int argc, const char* const* argv);

}  // namespace dcgan::tools
