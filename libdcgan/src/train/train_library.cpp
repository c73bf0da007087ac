// What libdcgan_train.so does for programs that open it at run time.
#include "dcgan/train_library.h"

#include <cstring>

#include "dcgan/models.h"
#include "dcgan/version.h"
#include "nn/device.h"
#include "nn/network_tensors.h"
#include "nn/torch_engine.h"

namespace dcgan::train {
namespace {

class Library : public TrainLibrary {
 public:
  std::string resolve_device(const std::string& text) const override { return nn::resolve_device(text).str(); }

  std::unique_ptr<features::Engine> make_engine(const EngineRequest& r) const override {
    return std::make_unique<nn::TorchEngine>(r.convolutions, r.options, c10::Device(r.device), r.precision);
  }

  std::unique_ptr<features::MomentEngine> make_moment_engine(const ModelFile& model,
                                                             const std::string& device) const override {
    return std::make_unique<nn::TorchMoments>(nn::discriminator_from(model), model.architecture.input,
                                              c10::Device(device));
  }

  ModelFile initialised_model(const ArchitectureOptions& options, uint64_t seed) const override {
    return dcgan::initialised_model(options, seed);
  }

  std::unique_ptr<ExploredNetworks> explored_networks(const ModelFile& model,
                                                      const ExploredNetworksOptions& options) const override {
    return dcgan::explored_networks(model, options);
  }

  std::vector<float> sample_noise(const ArchitectureOptions& architecture, int64_t count,
                                  uint64_t seed) const override {
    return dcgan::sample_noise(architecture, count, seed);
  }

  SupervisedEpoch train_supervised(const SupervisedRun& run, const ImageBatch& training, const ImageBatch& validation,
                                   int64_t classes) const override {
    return dcgan::train_supervised(run, training, validation, classes);
  }

  ImageCodes semantic_hash(const std::vector<uint8_t>& pixels, const SemanticHash::Training& training) const override {
    return [hash = std::make_shared<SemanticHash>(pixels, training)](const std::vector<uint8_t>& images) {
      return hash->codes(images);
    };
  }
};

}  // namespace
}  // namespace dcgan::train

extern "C" DCGAN_EXPORT const dcgan::TrainLibrary* dcgan_train_library(const char* version) {
  static const dcgan::train::Library library;
  return std::strcmp(version, DCGAN_VERSION) == 0 ? &library : nullptr;
}
