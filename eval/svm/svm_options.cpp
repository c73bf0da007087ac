#include "eval/svm/svm_options.h"

#include <cmath>

#include "dcgan/options.h"

namespace dcgan::eval {
void check(const SvmOptions& options) {
  require_option(options.tolerance > 0 && options.tolerance < 1, "tolerance", options.tolerance, "between 0 and 1");
  require_option(options.max_passes >= 1, "max-passes", options.max_passes, "positive");
}

void check_cost(const char* flag, double c) {
  require_option(c > 0 && std::isfinite(c), flag, c, "positive and finite");
}

}  // namespace dcgan::eval
