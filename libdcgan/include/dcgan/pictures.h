#pragma once

#include <cstdint>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/images.h"

namespace dcgan {

// Pictures of what networks hold, as images that write_png_grid() lays out.

/// Each pixel as a square of factor x factor.
DCGAN_EXPORT ImageBatch enlarged(const ImageBatch& images, int64_t factor);

/// Two sets of images of one size side by side: rows of `columns` of the first, an empty place, and `columns` of the
/// second. The grid has beside_columns(columns); places that are left over are white.
DCGAN_EXPORT ImageBatch beside(const ImageBatch& left, const ImageBatch& right, int64_t columns);
constexpr int64_t beside_columns(int64_t columns) { return 2 * columns + 1; }

/// Values around 0 as images: grey is 0, each image's largest absolute value is 0 or 255.
/// @param values  float32 [N, 3, size, size]
DCGAN_EXPORT ImageBatch images_of_values(const std::vector<float>& values, int64_t size);

/// A map over an image: where it is largest the image keeps its colours, where it is 0 or less it is dark.
/// @param image  uint8 [1, H, H, 3]   @param maps  float32 [N, size, size], H a multiple of size, each scaled by its
/// own largest value
DCGAN_EXPORT ImageBatch heat_maps(const ImageBatch& image, const std::vector<float>& maps, int64_t size);

/// uint8 [N, H, W, 3] as the networks take them: float32 [N, 3, H, W], x / 127.5 - 1.
DCGAN_EXPORT std::vector<float> network_input(const ImageBatch& images);

/// The sum of whole images with weights, pixel by pixel, rounded and kept in 0 to 255: what arithmetic on pixels gives.
DCGAN_EXPORT ImageBatch weighted_sum(const ImageBatch& images, const std::vector<double>& weights);

/// Some of the images, by number.
DCGAN_EXPORT ImageBatch chosen_images(const ImageBatch& images, const std::vector<int64_t>& numbers);
DCGAN_EXPORT void append_images(ImageBatch& all, const ImageBatch& more);

}  // namespace dcgan
