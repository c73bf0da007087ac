#include "dcgan/supervised.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "dcgan/options.h"

namespace dcgan {

void check(const SupervisedOptions& o) {
  require_option(o.ndf >= 1, "ndf", o.ndf, "positive");
  require_option(o.batch_size >= 2, "batch-size", o.batch_size, "2 or more");
  require_option(o.learning_rate > 0, "learning-rate", o.learning_rate, "positive");
  require_option(o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1, "from 0 to below 1");
  require_option(o.weight_decay >= 0, "weight-decay", o.weight_decay, "0 or more");
  require_option(o.dropout >= 0 && o.dropout < 1, "dropout", o.dropout, "from 0 to below 1");
  require_option(o.shift >= 0, "shift", o.shift, "0 or more");
  require_option(o.epochs >= 1, "epochs", o.epochs, "positive");
  require_option(o.patience >= 1, "patience", o.patience, "positive");
}

SupervisedOptions draw_supervised(const SupervisedOptions& base, const ArchitectureOptions& architecture,
                                  uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() >> 11) / 9007199254740992.0;  // 2^53
  };
  const auto below = [&](uint64_t limit) { return static_cast<int64_t>(random() % limit); };
  SupervisedOptions o = base;
  o.ndf = below(2) == 0 ? architecture.ndf : std::max<int64_t>(1, architecture.ndf / 2);
  o.batch_size = int64_t{32} << below(3);
  o.learning_rate = std::pow(10, uniform(-4, -2));
  o.beta1 = below(2) == 0 ? 0.5 : 0.9;
  o.weight_decay = std::pow(10, uniform(-6, -2));
  o.dropout = uniform(0, 0.7);
  o.shift = below(5);
  return o;
}

}  // namespace dcgan
