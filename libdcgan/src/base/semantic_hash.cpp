#include "dcgan/semantic_hash.h"

#include "dcgan/options.h"

namespace dcgan {

void check(const HashOptions& o) {
  require_option(o.train_images >= 1, "train-images", o.train_images, "positive");
  require_option(o.epochs >= 1, "epochs", o.epochs, "positive");
  require_option(o.batch_size >= 1, "batch-size", o.batch_size, "positive");
  require_option(o.learning_rate > 0, "learning-rate", o.learning_rate, "positive");
  require_option(o.noise >= 0, "noise", o.noise, "0 or more");
  require_option(o.dropout >= 0 && o.dropout < 1, "dropout", o.dropout, "from 0 to below 1");
}

}  // namespace dcgan
