#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/model_file.h"
#include "dcgan/safetensors.h"

namespace dcgan {

/// Reads the tensors of a PyTorch file (`torch.save(model.state_dict(), "x.pt")`, zip format, PyTorch 1.6 or newer).
///
/// Nothing of the file is executed: its pickle may hold dictionaries, lists, tuples, texts, numbers and tensors, made
/// by an allow-list of opcodes and of four kinds of names (collections.OrderedDict, torch._utils._rebuild_tensor_v2,
/// torch._utils._rebuild_parameter, torch.*Storage); any other is refused by name. Sizes, strides and offsets are
/// checked against the archive, and no tensor is larger than what its file holds.
///
/// Names of nested dictionaries are joined by dots: {"model": {"conv.weight": ...}} has "model.conv.weight".
class DCGAN_EXPORT StateDictReader {
 public:
  struct Tensor {
    std::string dtype;  ///< PyTorch's name: float32, float16, bfloat16, float64, int64 or uint8
    std::vector<int64_t> shape;
  };

  /// @throws FileError
  explicit StateDictReader(const std::string& path);
  ~StateDictReader();
  StateDictReader(StateDictReader&&) noexcept;
  StateDictReader& operator=(StateDictReader&&) noexcept;

  const std::string& path() const;
  const std::map<std::string, Tensor>& tensors() const;
  /// A tensor in row-major order, whatever its strides; bfloat16 and float64 become float32.
  /// @throws FileError if the bytes are damaged; std::out_of_range for a name that is not in tensors().
  StoredTensor read(const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a state_dict cannot say.
struct StateDictOptions {
  ArchitectureOptions architecture;
  /// Name of a tensor in the file by our name (dcgan/model_file.h); our name itself where there is no entry.
  std::map<std::string, std::string> mapping;
  /// The batch norm's epsilon that the network was trained with, PyTorch's default. Ours is 1e-8 everywhere: the
  /// difference is added to the variances, which gives the same outputs.
  double epsilon = 1e-5;
  /// Without running averages (mean 0 and variance 1 stand in their place): for statistics that are inferred
  /// afterwards.
  bool without_statistics = false;
};

/// A model of the tensors of one or several files; a generator none of whose tensors is there is left out. The dense
/// head may have been a convolution [1, C, 4, 4] in PyTorch, whose values lie in the same order.
/// @throws FileError naming what is missing or of another shape, and what the files hold.
DCGAN_EXPORT ModelFile model_from_state_dicts(const std::vector<StateDictReader>& files,
                                              const StateDictOptions& options);

}  // namespace dcgan
