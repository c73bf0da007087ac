#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "train/accelerator.h"
#include "train/trained_networks.h"

namespace dcgan::train {

/// Pairs of updates, of which those of one shape are recorded once, after some of that shape in a row, and then run
/// again as one piece of device work (a CUDA graph): the host's own time for some hundred kernels goes. The results are
/// the same.
class RecordedPairs {
 public:
  using Tell = std::function<void(const std::string& line)>;
  /// @param accelerator  null: nothing is recorded
  /// @param tell         hears, once, why pairs cannot be recorded; from then on none is. null: that is thrown
  RecordedPairs(TrainedNetworks& networks, const Accelerator* accelerator, Tell tell = nullptr)
      : networks_(networks), accelerator_(accelerator), tell_(std::move(tell)) {}

  /// As PyTorch's notes on CUDA graphs advise: libraries choose their algorithms in the first ones of a shape, which
  /// they cannot while a graph is recorded.
  static constexpr int64_t kPlainPairs = 3;

  void update(const PairInputs& inputs);

 private:
  void record();

  TrainedNetworks& networks_;
  const Accelerator* accelerator_;
  Tell tell_;
  int64_t plain_ = 0;  ///< pairs of the shape of inputs_ in a row, before the recording
  PairInputs inputs_;  ///< the memory that the recording reads; before it, the last pair's
  std::unique_ptr<Recording> recording_;
};

}  // namespace dcgan::train
