#include "data/faces.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>
#include <tuple>
#include <utility>

#include "dcgan/errors.h"
#include "dcgan/options.h"

namespace dcgan::data {
namespace {

using Cascade = std::unique_ptr<cv::CascadeClassifier>;

class FaceDetector {
 public:
  explicit FaceDetector(FaceOptions options) : options_(std::move(options)) {
    cv::setNumThreads(1);  // the pipeline has the threads; OpenCV's own would make the order of the faces a chance
    idle_.push_back(load());
  }

  std::vector<PreparedImage> faces(RgbImage photograph) {
    const cv::Mat pixels(static_cast<int>(photograph.height), static_cast<int>(photograph.width), CV_8UC3,
                         photograph.pixels.data());
    std::vector<PreparedImage> found;
    for (const cv::Rect& box : boxes(pixels)) {
      const std::string suffix =
          "#" + std::to_string(box.x) + "," + std::to_string(box.y) + "," + std::to_string(box.width);
      found.push_back({cut_out(pixels, box), suffix});
    }
    return found;
  }

 private:
  Cascade load() const {
    Cascade cascade = std::make_unique<cv::CascadeClassifier>();
    bool loaded = false;
    try {
      loaded = cascade->load(options_.cascade);
    } catch (const cv::Exception&) {  // XML of another kind
    }
    if (loaded) return cascade;
    throw FileError(options_.cascade,
                    "cannot be read as a cascade of OpenCV; --cascade names another, Debian's opencv-data has some.");
  }

  // A classifier keeps buffers of its own: one for each thread that is at work.
  Cascade take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (idle_.empty()) return load();
    Cascade cascade = std::move(idle_.back());
    idle_.pop_back();
    return cascade;
  }

  void give_back(Cascade cascade) {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(cascade));
  }

  std::vector<cv::Rect> boxes(const cv::Mat& pixels) {
    cv::Mat grey;
    cv::cvtColor(pixels, grey, cv::COLOR_RGB2GRAY);
    std::vector<cv::Rect> found;
    Cascade cascade = take();
    const auto side = static_cast<int>(options_.min_face);
    cascade->detectMultiScale(grey, found, options_.scale_step, static_cast<int>(options_.neighbours), 0,
                              cv::Size(side, side));
    give_back(std::move(cascade));
    std::sort(found.begin(), found.end(), [](const cv::Rect& a, const cv::Rect& b) {
      return std::tie(b.width, a.x, a.y) < std::tie(a.width, b.x, b.y);
    });
    const auto most = static_cast<size_t>(options_.max_faces);
    if (most > 0 && found.size() > most) found.resize(most);
    std::sort(found.begin(), found.end(),
              [](const cv::Rect& a, const cv::Rect& b) { return std::tie(a.x, a.y) < std::tie(b.x, b.y); });
    return found;
  }

  RgbImage cut_out(const cv::Mat& pixels, const cv::Rect& box) const {
    const auto margin = static_cast<int>(std::lround(options_.margin * box.width));
    const cv::Rect wanted(box.x - margin, box.y - margin, box.width + 2 * margin, box.height + 2 * margin);
    const cv::Rect inside = wanted & cv::Rect(0, 0, pixels.cols, pixels.rows);
    cv::Mat face;
    cv::copyMakeBorder(pixels(inside), face, inside.y - wanted.y, wanted.br().y - inside.br().y, inside.x - wanted.x,
                       wanted.br().x - inside.br().x, cv::BORDER_REPLICATE);
    RgbImage image{face.rows, face.cols, {face.datastart, face.dataend}};
    return resize_and_crop(std::move(image), {options_.size, options_.resize, options_.box});
  }

  const FaceOptions options_;
  std::mutex mutex_;
  std::vector<Cascade> idle_;
};

}  // namespace

void check(const FaceOptions& o) {
  constexpr int64_t kLargest = 4096;
  require_option(o.size >= 1 && o.size <= kLargest, "size", o.size, "from 1 to " + std::to_string(kLargest));
  require_option(o.box >= o.size && o.box <= kLargest, "box", o.box,
                 "from --size (" + std::to_string(o.size) + ") to " + std::to_string(kLargest));
  require_option(o.min_face >= 1 && o.min_face <= kLargest, "min-face", o.min_face,
                 "from 1 to " + std::to_string(kLargest));
  require_option(o.max_faces >= 0, "max-faces", o.max_faces, "0 (all) or more");
  require_option(o.margin >= 0 && o.margin <= 2, "margin", o.margin, "from 0 to 2");
  require_option(o.neighbours >= 0 && o.neighbours <= 100, "neighbours", o.neighbours, "from 0 to 100");
  require_option(o.scale_step > 1 && o.scale_step <= 2, "scale-step", o.scale_step, "above 1, to 2");
}

Preparation face_preparation(const FaceOptions& options) {
  check(options);
  FaceOptions resolved = options;
  if (resolved.cascade.empty()) resolved.cascade = DCGAN_HAAR_CASCADES "/haarcascade_frontalface_default.xml";
  const auto detector = std::make_shared<FaceDetector>(resolved);
  const std::string cascade = resolved.cascade.substr(resolved.cascade.rfind('/') + 1);
  const nlohmann::ordered_json description = {{"faces",
                                               {{"detector", cascade},
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
  return {options.size, [detector](RgbImage photograph) { return detector->faces(std::move(photograph)); },
          description.dump()};
}

}  // namespace dcgan::data
