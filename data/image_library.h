#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/archive.h"
#include "data/codecs.h"
#include "data/faces.h"
#include "data/preparation.h"
#include "data/rendered_set.h"

namespace dcgan::data {

/// What libdcgan_images.so does. It brings OpenCV and the 140 libraries of its codecs, so it is opened when
/// image_library() is first called, not with the program.
class DCGAN_EXPORT ImageLibrary {
 public:
  virtual ~ImageLibrary() = default;
  /// @throws DecodeError
  virtual DecodedImage decode(ImageFormat format, ByteView bytes, const DecodeOptions& options) const = 0;
  /// @throws FileError if the file is no zip, damaged or cut short
  virtual std::unique_ptr<Archive> open_zip(const std::string& path) const = 0;
  virtual RgbImage render_digit(uint64_t seed, RenderedSplit split, int64_t index) const = 0;
};

/// The one beside libdcgan.so, or where the system looks for libraries; opened once, by the first call.
/// That call changes std::cerr, which drops what OpenCV writes to it while it decodes: make it before threads write.
/// @throws Error that says why, if it cannot be used
const ImageLibrary& image_library();

constexpr const char* kImageLibraryFunction = "dcgan_image_library";
using ImageLibraryFunction = const ImageLibrary*();

/// What libdcgan_faces.so does: it brings OpenCV's object detection, and is there where that was installed for the
/// build.
class DCGAN_EXPORT FaceDetector {
 public:
  virtual ~FaceDetector() = default;
  /// Every face of a photograph, left to right, cut out with its margin, as face_preparation() names it. May be called
  /// from many threads.
  virtual std::vector<PreparedImage> faces(const RgbImage& photograph) = 0;
};

constexpr const char* kFaceDetectorFunction = "dcgan_face_detector";
using FaceDetectorFunction = FaceDetector*(const FaceOptions& options);

}  // namespace dcgan::data
