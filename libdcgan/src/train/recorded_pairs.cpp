#include "train/recorded_pairs.h"

namespace dcgan::train {
namespace {

// As PyTorch's notes on CUDA graphs advise: libraries choose their algorithms in the first ones.
constexpr int64_t kPlainPairs = 3;

bool same_shapes(const PairInputs& a, const PairInputs& b) {
  return a.images.sizes() == b.images.sizes() && a.generator_noise.sizes() == b.generator_noise.sizes();
}

}  // namespace

void RecordedPairs::update(const PairInputs& inputs) {
  const bool fits = recording_ == nullptr || same_shapes(inputs, inputs_);
  if (accelerator_ == nullptr || !fits || plain_ < kPlainPairs) {
    ++plain_;
    networks_.update(inputs);
    return;
  }
  if (recording_ == nullptr) {
    inputs_ = inputs;
    recording_ = accelerator_->record([this] { networks_.update(inputs_); });
  } else {
    inputs_.images.copy_(inputs.images);
    inputs_.discriminator_noise.copy_(inputs.discriminator_noise);
    inputs_.generator_noise.copy_(inputs.generator_noise);
    inputs_.learning_rate.copy_(inputs.learning_rate);
  }
  recording_->run();
}

}  // namespace dcgan::train
