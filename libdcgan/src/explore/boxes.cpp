#include "dcgan/boxes.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "dcgan/seeds.h"

namespace dcgan {
namespace {

bool holds(const Box& box, double x, double y) {
  const auto left = static_cast<double>(box.x), top = static_cast<double>(box.y);
  return x >= left && x < left + static_cast<double>(box.width) && y >= top &&
         y < top + static_cast<double>(box.height);
}

/// The places of maps that a box stands for.
std::vector<int64_t> positions_in(const Box& box, const MapGeometry& geometry) {
  const double pixels = static_cast<double>(geometry.image_size) / static_cast<double>(geometry.map_size);
  std::vector<int64_t> positions;
  for (int64_t p = 0; p < geometry.map_size * geometry.map_size; ++p) {
    const int64_t row = p / geometry.map_size, column = p % geometry.map_size;
    const double x = (static_cast<double>(column) + 0.5) * pixels, y = (static_cast<double>(row) + 0.5) * pixels;
    if (holds(box, x, y)) positions.push_back(p);
  }
  if (positions.empty()) {
    const auto place = [&](int64_t from, int64_t length) {
      const double middle = static_cast<double>(from) + static_cast<double>(length) / 2;
      return std::min(static_cast<int64_t>(middle / pixels), geometry.map_size - 1);
    };
    positions.push_back(place(box.y, box.height) * geometry.map_size + place(box.x, box.width));
  }
  return positions;
}

}  // namespace

std::string boxes_csv(const std::vector<Box>& boxes) {
  std::ostringstream csv;
  csv << "sample,x,y,width,height\n";
  for (const Box& b : boxes) csv << b.image << ',' << b.x << ',' << b.y << ',' << b.width << ',' << b.height << '\n';
  return csv.str();
}

std::vector<MapPosition> box_examples(const std::vector<Box>& boxes, const MapGeometry& geometry, uint64_t seed) {
  std::map<int64_t, std::set<int64_t>> inside;  // of each image
  for (const Box& box : boxes) {
    for (const int64_t p : positions_in(box, geometry)) inside[box.image].insert(p);
  }
  std::vector<MapPosition> examples;
  for (const auto& [image, positions] : inside) {
    for (const int64_t p : positions) examples.push_back({image, p, true});
    std::set<int64_t> outside;
    const int64_t all = geometry.map_size * geometry.map_size;
    for (const int64_t p : shuffled_indices(all, derive_seed(seed, "outside-boxes", static_cast<uint64_t>(image)))) {
      if (outside.size() == positions.size()) break;
      if (positions.count(p) == 0) outside.insert(p);
    }
    for (const int64_t p : outside) examples.push_back({image, p, false});
  }
  return examples;
}

BoxChange change_of(const ImageBatch& before, const ImageBatch& after, const std::vector<Box>& boxes) {
  std::set<int64_t> images;
  for (const Box& box : boxes) images.insert(box.image);
  double inside = 0, outside = 0, inside_values = 0, outside_values = 0;
  const int64_t pixels = before.height * before.width;
  for (const int64_t image : images) {
    for (int64_t p = 0; p < pixels; ++p) {
      const int64_t row = p / before.width, column = p % before.width;
      const double x = static_cast<double>(column) + 0.5, y = static_cast<double>(row) + 0.5;
      const bool in = std::any_of(boxes.begin(), boxes.end(),
                                  [&](const Box& box) { return box.image == image && holds(box, x, y); });
      for (int64_t c = 0; c < 3; ++c) {
        const auto at = static_cast<size_t>((image * pixels + p) * 3 + c);
        (in ? inside : outside) += std::abs(int{before.pixels[at]} - int{after.pixels[at]});
        (in ? inside_values : outside_values) += 1;
      }
    }
  }
  return {inside_values > 0 ? inside / inside_values : 0, outside_values > 0 ? outside / outside_values : 0};
}

ImageBatch with_boxes(ImageBatch images, const std::vector<Box>& boxes) {
  const auto paint = [&](int64_t image, int64_t x, int64_t y) {
    uint8_t* const pixel = images.pixels.data() + ((image * images.height + y) * images.width + x) * 3;
    pixel[0] = 255;
    pixel[1] = pixel[2] = 0;
  };
  for (const Box& box : boxes) {
    for (int64_t x = box.x; x < box.x + box.width; ++x) {
      paint(box.image, x, box.y);
      paint(box.image, x, box.y + box.height - 1);
    }
    for (int64_t y = box.y; y < box.y + box.height; ++y) {
      paint(box.image, box.x, y);
      paint(box.image, box.x + box.width - 1, y);
    }
  }
  return images;
}

}  // namespace dcgan
