#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/architecture.h"
#include "dcgan/errors.h"
#include "dcgan/explored_networks.h"
#include "dcgan/export.h"
#include "dcgan/images.h"
#include "dcgan/model_file.h"
#include "dcgan/precision.h"
#include "dcgan/semantic_hash.h"
#include "dcgan/supervised.h"

namespace dcgan {

struct EngineOptions;
struct FoldedConvolution;

namespace features {
class Engine;
class MomentEngine;
}  // namespace features

/// What libdcgan_train.so, which needs LibTorch, does for programs that start without it.
class DCGAN_EXPORT TrainLibrary {
 public:
  virtual ~TrainLibrary() = default;

  /// "cpu" or "cuda:N": what a --device means here. @throws OptionError if it is not there
  virtual std::string resolve_device(const std::string& text) const = 0;

  /// For FeatureExtractor: convolutions by LibTorch's operators, for GPUs and the precisions below float32.
  struct EngineRequest {
    const std::vector<FoldedConvolution>& convolutions;
    const EngineOptions& options;
    std::string device;  ///< of resolve_device()
    Precision precision;
  };
  virtual std::unique_ptr<features::Engine> make_engine(const EngineRequest& request) const = 0;
  virtual std::unique_ptr<features::MomentEngine> make_moment_engine(const ModelFile& model,
                                                                     const std::string& device) const = 0;

  /// As dcgan::initialised_model() (dcgan/models.h).
  virtual ModelFile initialised_model(const ArchitectureOptions& options, uint64_t seed) const = 0;

  /// As dcgan::explored_networks() and dcgan::sample_noise() (dcgan/explored_networks.h).
  virtual std::unique_ptr<ExploredNetworks> explored_networks(const ModelFile& model,
                                                              const ExploredNetworksOptions& options) const = 0;
  virtual std::vector<float> sample_noise(const ArchitectureOptions& architecture, int64_t count,
                                          uint64_t seed) const = 0;

  /// As dcgan::train_supervised().
  virtual SupervisedEpoch train_supervised(const SupervisedRun& run, const ImageBatch& training,
                                           const ImageBatch& validation, int64_t classes) const = 0;

  /// Trains a SemanticHash on images, uint8 [count, 32, 32, 3]. @return its codes()
  using ImageCodes = std::function<std::vector<ImageCode>(const std::vector<uint8_t>& pixels)>;
  virtual ImageCodes semantic_hash(const std::vector<uint8_t>& pixels,
                                   const SemanticHash::Training& training) const = 0;
};

/// libdcgan_train.so is not there, or cannot be used.
class DCGAN_EXPORT NoTrainLibrary : public Error {
 public:
  using Error::Error;
};

/// The one beside libdcgan.so, or where the system looks for libraries; opened once, by the first call.
/// @param what  needs it, for the message
/// @throws NoTrainLibrary
DCGAN_EXPORT const TrainLibrary& train_library(const std::string& what);

/// The function that libdcgan_train.so exports: null if it is of another version.
constexpr const char* kTrainLibraryFunction = "dcgan_train_library";
using TrainLibraryFunction = const TrainLibrary*(const char* version);

}  // namespace dcgan
