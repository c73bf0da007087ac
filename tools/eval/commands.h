#pragma once

namespace dcgan::tools {

/// dcgan-eval cifar10: Table 1 of the paper with our rows beside it.
int cifar10_command(int argc, const char* const* argv);
/// dcgan-eval svhn: Table 2.
int svhn_command(int argc, const char* const* argv);

}  // namespace dcgan::tools
