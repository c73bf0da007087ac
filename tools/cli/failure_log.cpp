#include "tools/cli/failure_log.h"

#include "dcgan/errors.h"
#include "tools/cli/progress.h"
#include "tools/cli/text_values.h"

namespace dcgan::cli {
namespace {

constexpr int64_t kShown = 10;

}  // namespace

void FailureLog::add(const Failure& failure) {
  if (++count_ <= kShown) log(/*quiet=*/false, one_line(failure.path + ": " + failure.reason));
}

void FailureLog::finish(const std::string& file) const {
  if (count_ <= kShown) return;
  log(/*quiet=*/false, text_of("and ", count_ - kShown, " more",
                               file.empty() ? "" : text_of("; all ", count_, " are listed in ", file)));
}

}  // namespace dcgan::cli
