#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/images.h"

namespace dcgan {

/// A rectangle of pixels of one image, drawn around an object.
struct Box {
  int64_t image = 0;  ///< number of the image
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// Boxes as CSV: a head and a line for each with image, x, y, width and height.
DCGAN_EXPORT std::string boxes_csv(const std::vector<Box>& boxes);

/// One place of a layer's maps, as an example for a classifier.
struct MapPosition {
  int64_t image = 0;
  int64_t position = 0;  ///< row * size + column
  bool inside = false;   ///< of a box
};

struct MapGeometry {
  int64_t image_size = 0;  ///< H = W, pixels
  int64_t map_size = 0;    ///< of the layer's maps; divides image_size
};

/// Places inside boxes and, of the same images, as many places outside of all boxes, drawn at random (fewer where an
/// image has fewer). A place is inside where its middle is; a box that holds no middle has the place that is nearest to
/// its own.
/// Ordered by image, position and inside first.
DCGAN_EXPORT std::vector<MapPosition> box_examples(const std::vector<Box>& boxes, const MapGeometry& geometry,
                                                   uint64_t seed);

/// Mean absolute difference of two sets of images, levels of 0 to 255, inside the boxes and outside, over the images
/// that have boxes.
struct BoxChange {
  double inside = 0, outside = 0;
};
DCGAN_EXPORT BoxChange change_of(const ImageBatch& before, const ImageBatch& after, const std::vector<Box>& boxes);

/// The images with the edges of their boxes in red.
DCGAN_EXPORT ImageBatch with_boxes(ImageBatch images, const std::vector<Box>& boxes);

}  // namespace dcgan
