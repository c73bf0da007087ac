#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/model_file.h"
#include "dcgan/safetensors.h"

namespace dcgan {

/// Reads the tensors of a checkpoint: what torch.save() made of a state_dict, of a dictionary with such dictionaries in
/// it, of a list of tensors or of a module, in the zip format or that of before PyTorch 1.6; or a safetensors file.
///
/// Nothing of the file is executed or looked up. Tensors are found in dictionaries, lists, tuples and modules; other
/// objects are passed over with all that is in them, and tensors of types that no network of ours has; names that could
/// only do harm (os.system, eval) are refused. Sizes, strides and offsets are checked against the file, and no tensor
/// is larger than what its file holds.
///
/// Names of nested dictionaries are joined by dots: {"model": {"conv.weight": ...}} has "model.conv.weight".
class DCGAN_EXPORT StateDictReader {
 public:
  struct Tensor {
    std::string dtype;  ///< PyTorch's name: float32, float16, bfloat16, float64, int64 to int8, uint8 or bool
    std::vector<int64_t> shape;
    int64_t place;  ///< in the file's own order; of a safetensors file, which has none, in that of the names' numbers
  };

  /// @throws FileError
  explicit StateDictReader(const std::string& path);
  /// Tensors that another reader has, under the names of PyTorch, in their order.
  StateDictReader(const std::string& path, std::vector<std::pair<std::string, StoredTensor>> tensors);
  ~StateDictReader();
  StateDictReader(StateDictReader&&) noexcept;
  StateDictReader& operator=(StateDictReader&&) noexcept;

  const std::string& path() const;
  std::string file_name() const;  ///< the last part of the path
  const std::map<std::string, Tensor>& tensors() const;
  /// A tensor in row-major order, whatever its strides; bfloat16 and float64 become float32, integers int64, bool
  /// uint8.
  /// @throws FileError if the bytes are damaged; std::out_of_range for a name that is not in tensors().
  StoredTensor read(const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a state_dict cannot say. Networks that are none of the published family are found by find_network()
/// (dcgan/network_import.h), which gives architecture and mapping.
struct StateDictOptions {
  ArchitectureOptions architecture;
  /// Name of a tensor in the file by our name (dcgan/model_file.h); our name itself where there is no entry.
  std::map<std::string, std::string> mapping;
  /// Our names of transposed convolutions of stride 1 that are ordinary ones in the file, [O, I, k, k]: the same with
  /// kernels turned by half a turn.
  std::set<std::string> turned;
  /// What stands before all those names in the file, such as "ema."; where it is empty, and no name stands there as it
  /// is, it is found: a dictionary's key, "module.", "_orig_mod.".
  std::string prefix;
  /// The batch norm's epsilon that the network was trained with, PyTorch's default. Ours is 1e-8 everywhere: the
  /// difference is added to the variances, which gives the same outputs. Lists of layers have their own.
  double epsilon = 1e-5;
  /// Without running averages (mean 0 and variance 1 stand in their place): for statistics that are inferred
  /// afterwards.
  bool without_statistics = false;
};

/// A model of the tensors of one or several files; a generator none of whose tensors is there is left out. The dense
/// head may have been a convolution [1, C, k, k] in PyTorch, whose values lie in the same order. Spectral norm and
/// weight norm are applied: the model has the weights that the network computes with, and its record names them.
/// @throws FileError naming what is missing or of another shape, and what the files hold.
DCGAN_EXPORT ModelFile model_from_state_dicts(const std::vector<StateDictReader>& files,
                                              const StateDictOptions& options);

}  // namespace dcgan
