#pragma once

#include <string>

#include "dcgan/export.h"
#include "dcgan/model_file.h"
#include "dcgan/next_images.h"

namespace dcgan {

/// Scales the discriminator's channels so that the features of all of them, max-pooled to 4x4, have the same deviation
/// over the images; the function that the network computes stays what it is. What makes a channel s times as large
/// (batch norm's scale and shift, or the kernel of a layer without) is undone in the weights that read it: LeakyReLU,
/// ReLU and pooling let a positive factor through. The fixed batch-norm statistics stay. Recorded in model.training.
/// @param source  of the images, for the record
/// @throws Error if there are fewer than two images
DCGAN_EXPORT void equalise_channels(ModelFile& model, const NextImages& next, const std::string& source);

}  // namespace dcgan
