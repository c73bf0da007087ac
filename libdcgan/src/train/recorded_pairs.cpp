#include "train/recorded_pairs.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <exception>

#include "dcgan/errors.h"

namespace dcgan::train {
namespace {

// Those that the objectives of a training take; the others are undefined in all pairs.
template <class Inputs>
auto tensors_of(Inputs& inputs) {
  return std::array{&inputs.images,
                    &inputs.views,
                    &inputs.discriminator_noise,
                    &inputs.generator_noise,
                    &inputs.real_augmentation,
                    &inputs.fake_augmentation,
                    &inputs.generator_augmentation,
                    &inputs.learning_rate,
                    &inputs.generator_learning_rate};
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
    record();
    if (recording_ != nullptr) return recording_->run();
  }
  plain_ = same ? plain_ + 1 : 1;
  networks_.update(inputs);
}

void RecordedPairs::record() {
  try {
    recording_ = accelerator_->record([this] { networks_.update(inputs_); });
  } catch (const c10::OutOfMemoryError&) {
    throw;  // plain pairs need as much
  } catch (const std::exception& e) {
    const std::string text = e.what();
    const std::string reason = text.substr(0, text.find('\n'));
    if (!tell_) throw Error("--cuda-graphs on: the steps cannot be recorded (", reason, "); give auto or off.");
    accelerator_ = nullptr;
    networks_.drop_gradients();  // of a pair that was not recorded to its end
    tell_("Steps are not recorded as CUDA graphs, which makes them slower: " + reason);
  }
}

}  // namespace dcgan::train
