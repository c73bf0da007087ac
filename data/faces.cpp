#include "data/faces.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <opencv2/core/version.hpp>
#include <utility>

#include "base/plugin.h"
#include "data/image_library.h"
#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/text.h"

namespace dcgan::data {

void check(const FaceOptions& o) {
  constexpr int64_t kLargest = 4096;
  require_option(o.size >= 1 && o.size <= kLargest, "size", o.size, text_of("from 1 to ", kLargest));
  require_option(o.box >= o.size && o.box <= kLargest, "box", o.box,
                 text_of("from --size (", o.size, ") to ", kLargest));
  require_option(o.min_face >= 1 && o.min_face <= kLargest, "min-face", o.min_face, text_of("from 1 to ", kLargest));
  require_option(o.max_faces >= 0, "max-faces", o.max_faces, "0 (all) or more");
  require_option(o.margin >= 0 && o.margin <= 2, "margin", o.margin, "from 0 to 2");
  require_option(o.neighbours >= 0 && o.neighbours <= 100, "neighbours", o.neighbours, "from 0 to 100");
  require_option(o.scale_step > 1 && o.scale_step <= 2, "scale-step", o.scale_step, "above 1, to 2");
}

Preparation face_preparation(const FaceOptions& options) {
  check(options);
  std::string reason;
  void* const function = plugin_function("libdcgan_faces.so", kFaceDetectorFunction, reason);
  if (function == nullptr) {
    throw Error("faces are found by libdcgan_faces.so, which cannot be used: ", reason,
                "; it is built where libopencv-objdetect-dev and opencv-data are installed.");
  }
  const std::shared_ptr<FaceDetector> detector(reinterpret_cast<FaceDetectorFunction*>(function)(options));
  const ResizeOptions resize = {options.size, options.resize, options.box};
  const std::string cascade = options.cascade.empty() ? kDefaultCascade : options.cascade;
  const nlohmann::ordered_json description = {{"faces",
                                               {{"detector", cascade.substr(cascade.rfind('/') + 1)},
                                                {"opencv", CV_VERSION},
                                                {"min_face", options.min_face},
                                                {"neighbours", options.neighbours},
                                                {"scale_step", options.scale_step},
                                                {"max_faces", options.max_faces},
                                                {"margin", options.margin},
                                                {"box", options.box},
                                                {"resize", to_name(options.resize)},
                                                {"crop", "centre of the box"},
                                                {"size", options.size}}}};
  const auto prepare = [detector, resize](const RgbImage& photograph) {
    std::vector<PreparedImage> faces = detector->faces(photograph);
    for (PreparedImage& face : faces) face.image = resize_and_crop(std::move(face.image), resize);
    return faces;
  };
  return {options.size, prepare, json_text(description)};
}

}  // namespace dcgan::data
