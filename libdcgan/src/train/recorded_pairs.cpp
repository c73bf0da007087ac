#include "train/recorded_pairs.h"

namespace dcgan::train {
namespace {

bool same_shapes(const PairInputs& a, const PairInputs& b) {
  return a.images.sizes() == b.images.sizes() && a.generator_noise.sizes() == b.generator_noise.sizes();
}

}  // namespace

void RecordedPairs::update(const PairInputs& inputs) {
  if (accelerator_ == nullptr) return networks_.update(inputs);
  const bool same = plain_ > 0 && same_shapes(inputs, inputs_);
  if (recording_ != nullptr) {
    if (!same) return networks_.update(inputs);
    inputs_.images.copy_(inputs.images);
    inputs_.discriminator_noise.copy_(inputs.discriminator_noise);
    inputs_.generator_noise.copy_(inputs.generator_noise);
    inputs_.learning_rate.copy_(inputs.learning_rate);
    return recording_->run();
  }
  inputs_ = inputs;
  if (same && plain_ >= kPlainPairs) {
    recording_ = accelerator_->record([this] { networks_.update(inputs_); });
    return recording_->run();
  }
  plain_ = same ? plain_ + 1 : 1;
  networks_.update(inputs);
}

}  // namespace dcgan::train
