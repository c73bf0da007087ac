#include "eval/svm/options.h"

#include <cmath>
#include <sstream>

#include "dcgan/errors.h"

namespace dcgan::eval {
namespace {

[[noreturn]] void refuse(const std::string& flag, double value, const std::string& rule) {
  std::ostringstream text;
  text << "--" << flag << " is " << value << "; it must be " << rule << ".";
  throw OptionError(text.str());
}

}  // namespace

void check(const SvmOptions& options) {
  if (!(options.tolerance > 0 && options.tolerance < 1)) refuse("tolerance", options.tolerance, "between 0 and 1");
  if (options.max_passes < 1) refuse("max-passes", static_cast<double>(options.max_passes), "positive");
}

void check_cost(const char* flag, double c) {
  if (!(c > 0 && std::isfinite(c))) refuse(flag, c, "positive and finite");
}

}  // namespace dcgan::eval
