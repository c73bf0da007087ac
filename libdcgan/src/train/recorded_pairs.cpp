#include "train/recorded_pairs.h"

#include <algorithm>
#include <array>

namespace dcgan::train {
namespace {

// Those that the objectives of a training take; the others are undefined in all pairs.
template <class Inputs>
auto tensors_of(Inputs& inputs) {
  return std::array{&inputs.images,          &inputs.views,         &inputs.discriminator_noise,
                    &inputs.generator_noise, &inputs.learning_rate, &inputs.generator_learning_rate};
}

bool same_shapes(const PairInputs& a, const PairInputs& b) {
  const auto theirs = tensors_of(b);
  const auto ours = tensors_of(a);
  return std::equal(ours.begin(), ours.end(), theirs.begin(),
                    [](const at::Tensor* x, const at::Tensor* y) { return !x->defined() || x->sizes() == y->sizes(); });
}

void copy(const PairInputs& from, PairInputs& to) {
  const auto sources = tensors_of(from);
  const auto targets = tensors_of(to);
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i]->defined()) targets[i]->copy_(*sources[i]);
  }
}

}  // namespace

void RecordedPairs::update(const PairInputs& inputs) {
  if (accelerator_ == nullptr) return networks_.update(inputs);
  const bool same = plain_ > 0 && same_shapes(inputs, inputs_);
  if (recording_ != nullptr) {
    if (!same) return networks_.update(inputs);
    copy(inputs, inputs_);
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
