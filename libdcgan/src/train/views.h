#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

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

/// Views as images of size x size pixels, by linear interpolation, which averages where it makes smaller: float32
/// [views, 3, size, size] in [-1, 1], channels last in memory, on the device of the pixels.
/// @param views   the first N are of the N images in their order, the next N again, ...
/// @param pixels  uint8 [N, side, side, 3]
at::Tensor render(const std::vector<View>& views, const at::Tensor& pixels, int64_t size);

/// Which images of a step's minibatch views are made of: their draws depend on nothing else.
struct ViewedImages {
  at::Tensor pixels;  ///< uint8 [N, side, side, 3]
  uint64_t seed = 0;  ///< of the step
  int64_t first = 0;  ///< position of the first one in the whole minibatch, of which other processes may have parts
};

/// Two views of each image, as render() makes them: first one of each, then the other of each.
at::Tensor two_views(const ViewedImages& images, int64_t size);

}  // namespace dcgan::train
