#include "train/schedule.h"

#include <cmath>

namespace dcgan::train {

double rate_share(const TrainOptions& options, int64_t step) {
  const auto share_of = [](int64_t part, int64_t whole) {
    return part < whole ? static_cast<double>(part) / static_cast<double>(whole) : 1;
  };
  const double left = share_of(options.steps - step, options.decay_steps);
  constexpr double kPi = 3.14159265358979323846;
  const double decay = options.decay_shape == DecayShape::kLinear || left == 1 ? left : (1 - std::cos(kPi * left)) / 2;
  return decay * share_of(step + 1, options.warm_up_steps);
}

}  // namespace dcgan::train
