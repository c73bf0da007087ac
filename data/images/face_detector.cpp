// libdcgan_faces.so: what needs OpenCV's object detection.
#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>
#include <tuple>
#include <utility>

#include "data/faces.h"
#include "data/image_library.h"
#include "dcgan/errors.h"

namespace dcgan::data {
namespace {

using Cascade = std::unique_ptr<cv::CascadeClassifier>;

class CascadeDetector : public FaceDetector {
 public:
  explicit CascadeDetector(FaceOptions options) : options_(std::move(options)) {
    if (options_.cascade.empty()) options_.cascade = std::string(DCGAN_HAAR_CASCADES "/") + kDefaultCascade;
    cv::setNumThreads(1);  // the pipeline has the threads; OpenCV's own would make the order of the faces a chance
    idle_.push_back(load());
  }

  std::vector<PreparedImage> faces(const RgbImage& photograph) override {
    const cv::Mat pixels(static_cast<int>(photograph.height), static_cast<int>(photograph.width), CV_8UC3,
                         const_cast<uint8_t*>(photograph.pixels.data()));
    std::vector<PreparedImage> found;
    for (const cv::Rect& box : boxes(pixels)) {
      const std::string suffix = text_of("#", box.x, ",", box.y, ",", box.width);
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
    return {face.rows, face.cols, {face.datastart, face.dataend}};
  }

  FaceOptions options_;
  std::mutex mutex_;
  std::vector<Cascade> idle_;
};

}  // namespace
}  // namespace dcgan::data

extern "C" DCGAN_EXPORT dcgan::data::FaceDetector* dcgan_face_detector(const dcgan::data::FaceOptions& options) {
  return new dcgan::data::CascadeDetector(options);
}
