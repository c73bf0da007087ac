#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dcgan::train {

/// What a random view shows of an image: a part of it, perhaps mirrored, in other colours. Distributions:
/// Chen et al. 2020, arXiv:2002.05709, appendix A, with the strengths of their CIFAR-10 runs but hue 0.1.
struct View {
  double left = 0, top = 0, width = 1, height = 1;  ///< the part, as shares of the image's sides
  bool mirrored = false;
  double brightness = 1, contrast = 1, saturation = 1;  ///< factors
  double hue = 0;                                       ///< turn of the colours, in whole turns
  bool grey = false;
};

/// Area 0.2 to 1 of the image, aspect 3/4 to 4/3, mirrored half of the time; in 80% of the views brightness, contrast
/// and saturation change by 40% at most and the hue by 0.1 turns; 20% of the views are grey. Equal seeds, equal views.
View draw_view(uint64_t seed);

/// The view as an image of size x size pixels, by linear interpolation, which averages where it makes smaller.
/// @param image  uint8 [side, side, 3]
/// @param to     float32 [size, size, 3] in [-1, 1]
void render(const View& view, const uint8_t* image, int64_t side, int64_t size, float* to);

/// Which images of a step's minibatch views are made of: their draws depend on nothing else.
struct ViewedImages {
  at::Tensor pixels;  ///< uint8 [N, side, side, 3], on the CPU
  uint64_t seed = 0;  ///< of the step
  int64_t first = 0;  ///< position of the first one in the whole minibatch, of which other processes may have parts
};

/// Two views of each image: float32 [2 N, 3, size, size] in [-1, 1], channels last in memory; first one of each, then
/// the other of each. On all threads.
at::Tensor two_views(const ViewedImages& images, int64_t size);

}  // namespace dcgan::train
