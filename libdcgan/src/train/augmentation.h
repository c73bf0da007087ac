#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dcgan::train {

/// What augmented() takes for `count` images: float32 [count, 7], uniform from 0 to 1, on the CPU. Equal seeds, equal
/// draws.
at::Tensor draw_augmentations(int64_t count, uint64_t seed);

/// Images as the discriminator of --augment sees them, real and generated ones alike, so that it cannot learn a small
/// set by heart and the generator gets no gradient towards augmented images (Zhao et al. 2020, arXiv:2006.10738, policy
/// colour, translation, cutout): brightness moves by -0.5 to 0.5, saturation is multiplied by 0 to 2, contrast by 0.5
/// to 1.5; the image moves by up to an eighth of its side, and 0 comes in; a square of half the side becomes 0. A
/// differentiable function of the images.
/// @param images  float32 [N, 3, S, S] in [-1, 1]
/// @param draws   draw_augmentations(N), on the device of the images
at::Tensor augmented(const at::Tensor& images, const at::Tensor& draws);

}  // namespace dcgan::train
