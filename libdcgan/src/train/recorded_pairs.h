#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "train/accelerator.h"
#include "train/trained_networks.h"

namespace dcgan::train {

/// Pairs of updates, of which those of one shape are recorded once, after some of that shape in a row, and then run
/// again as one piece of device work (a CUDA graph): the host's own time for some hundred kernels goes. The results are
/// the same.
class RecordedPairs {
 public:
  /// @param accelerator  null: nothing is recorded
  RecordedPairs(TrainedNetworks& networks, const Accelerator* accelerator)
      : networks_(networks), accelerator_(accelerator) {}

  /// As PyTorch's notes on CUDA graphs advise: libraries choose their algorithms in the first ones of a shape, which
  /// they cannot while a graph is recorded.
  static constexpr int64_t kPlainPairs = 3;

  void update(const PairInputs& inputs);

 private:
  TrainedNetworks& networks_;
  const Accelerator* accelerator_;
  int64_t plain_ = 0;  ///< pairs of the shape of inputs_ in a row, before the recording
  PairInputs inputs_;  ///< the memory that the recording reads; before it, the last pair's
  std::unique_ptr<Recording> recording_;
};

}  // namespace dcgan::train
