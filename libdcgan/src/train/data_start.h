#pragma once

#include <cstdint>
#include <string>

#include "dcgan/model_file.h"
#include "dcgan/trainer.h"
#include "nn/networks.h"
#include "train/image_rows.h"

namespace dcgan::train {

/// Sets the discriminator's convolutions from the images alone, lowest first, each by the K-means of Coates and Ng
/// (2012, "Learning feature representations with K-means") on what the layers below make of the images: patches of the
/// kernel's size, centred and whitened (ZCA), spherical K-means with as many centroids as the layer has channels, and
/// weights = whitening times centroids, scaled so that outputs have deviation 1. Batch norm gets scale 1 and shift 0.
/// The same bytes for equal seeds and numbers of threads.
/// @param network  on the CPU
/// @param images   that it takes, of its size
/// @param observer  told what comes next, and asked whether to stop
/// @return whether it came to its end; if not, the network is started in part
/// @throws Error if the images do not vary
bool start_from_patches(nn::Discriminator& network, const ImageRows& images, uint64_t seed,
                        const TrainObserver& observer);

/// @throws OptionError if so few images have fewer patches than a layer has channels, or patches have values
void check_patches(const ArchitectureOptions& architecture, int64_t images);

/// Copies the weights of a model's network into one of the same shape.
/// @param file  named in errors
/// @throws FileError naming a tensor that does not fit
void start_from_model(const nn::NamedTensors& parameters, const ModelFile& model, const std::string& file);

}  // namespace dcgan::train
