#pragma once

#include <cstdint>
#include <string>

#include "data/preparation.h"

namespace dcgan::data {

/// Of Debian's opencv-data.
constexpr const char* kDefaultCascade = "haarcascade_frontalface_default.xml";

/// Where faces are looked for, and what is cut out around them. The authors detected faces with OpenCV, kept boxes of
/// sufficient resolution, and trained on the central 64x64 of boxes of 128 pixels (Radford et al. 2016,
/// arXiv:1511.06434, section 4.2; their faces/train_uncond_dcgan.py). Which detector, and what was sufficient, is not
/// published.
struct FaceOptions {
  int64_t size = 64;        ///< H = W of the result, pixels: the centre of the box
  int64_t box = 128;        ///< side that every box is resized to before its centre is cut out, pixels
  int64_t min_face = 96;    ///< smallest box as detected, pixels of the photograph
  int64_t neighbours = 5;   ///< detections that must agree on a face
  double scale_step = 1.1;  ///< ratio of one size looked for to the next
  double margin = 0;        ///< added to each side of a box, as a share of its side; pixels beyond the edge repeat it
  int64_t max_faces = 0;    ///< faces of a photograph, largest first; 0: all
  ResizeFilter resize = ResizeFilter::kArea;
  std::string cascade;  ///< OpenCV's XML; empty: frontalface_default of Debian's opencv-data
};

template <class Visitor>
void describe(FaceOptions& o, Visitor&& f) {
  f(o.size, "size", "height and width of the result, pixels: the centre of the box");
  f(o.box, "box", "side that every box is resized to before its centre is cut out, pixels");
  f(o.min_face, "min-face", "smallest face that is kept, side of its box in pixels of the photograph");
  f(o.max_faces, "max-faces", "faces of a photograph, largest first; 0: all");
  f(o.margin, "margin", "added to each side of a box, as a share of its side");
  f(o.neighbours, "neighbours", "detections that must agree on a face; fewer: more faces, more false ones");
  f(o.scale_step, "scale-step", "ratio of one size looked for to the next");
  f(o.resize, "resize", "linear: aliases; area: averages");
  f(o.cascade, "cascade", "OpenCV's cascade of a detector (XML); default: frontal faces");
}

/// Throws OptionError that names the flag, the value and the rule.
void check(const FaceOptions& options);

/// Every face of a photograph, left to right; the suffix is "#X,Y,SIDE", its box in pixels of the photograph before the
/// margin.
/// @throws FileError if the cascade cannot be read, Error if libdcgan_faces.so is not there.
Preparation face_preparation(const FaceOptions& options);

}  // namespace dcgan::data
