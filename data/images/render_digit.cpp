#include "data/images/render_digit.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <random>

#include "dcgan/seeds.h"

namespace dcgan::data {
namespace {

constexpr int kSide = kRenderedSide;
constexpr int kOversampling = 3;  // drawn this much larger, then averaged, so that edges are smooth at any turn
constexpr int kCanvas = kSide * kOversampling;

// Distributions of our own: those of the standard library differ between implementations.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
  }
  int below(int n) { return static_cast<int>(engine_() % static_cast<uint64_t>(n)); }
  bool chance(double probability) { return uniform(0, 1) < probability; }
  cv::Vec3f colour() {
    return {static_cast<float>(uniform(0, 255)), static_cast<float>(uniform(0, 255)),
            static_cast<float>(uniform(0, 255))};
  }

 private:
  std::mt19937_64 engine_;
};

float luminance(const cv::Vec3f& rgb) { return 0.299F * rgb[0] + 0.587F * rgb[1] + 0.114F * rgb[2]; }

// A colour at least `contrast` lighter or darker than another.
cv::Vec3f colour_against(const cv::Vec3f& other, float contrast, Random& random) {
  cv::Vec3f colour;
  do {
    colour = random.colour();
  } while (std::abs(luminance(colour) - luminance(other)) < contrast);
  return colour;
}

// Smooth random field in [0, 1], with about `cells` bumps a side.
cv::Mat clouds(int cells, Random& random) {
  cv::Mat coarse(cells, cells, CV_32F);
  for (int i = 0; i < cells * cells; ++i) coarse.at<float>(i) = static_cast<float>(random.uniform(0, 1));
  cv::Mat field;
  cv::resize(coarse, field, cv::Size(kSide, kSide), 0, 0, cv::INTER_CUBIC);
  return field;
}

// Field in [0, 1] that rises (waves = 0) or swings along a random direction.
cv::Mat waves(double count, Random& random) {
  const double angle = random.uniform(0, 2 * CV_PI);
  const double phase = random.uniform(0, 2 * CV_PI);
  cv::Mat field(kSide, kSide, CV_32F);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const double along = (std::cos(angle) * (x - kSide / 2.0) + std::sin(angle) * (y - kSide / 2.0)) / kSide;
      field.at<float>(y, x) = static_cast<float>(count > 0 ? 0.5 + 0.5 * std::sin(2 * CV_PI * count * along + phase)
                                                           : 0.5 + along / std::sqrt(2.0));
    }
  }
  return field;
}

// image = image + weight * (colour - image), the weight in [0, 1] for every pixel.
void blend(const cv::Mat& weight, const cv::Vec3f& colour, cv::Mat& image) {
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      cv::Vec3f& pixel = image.at<cv::Vec3f>(y, x);
      pixel += weight.at<float>(y, x) * (colour - pixel);
    }
  }
}

cv::Mat background(const cv::Vec3f& colour, Random& random) {
  cv::Mat image(kSide, kSide, CV_32FC3, cv::Scalar(colour[0], colour[1], colour[2]));
  cv::Vec3f second = random.colour();
  // Stays near the first colour, so that the digit stands out from both.
  second = colour + 0.35F * (second - colour);
  switch (random.below(4)) {
    case 0:
      break;
    case 1:
      blend(waves(0, random), second, image);
      break;
    case 2:
      blend(waves(random.uniform(1, 5), random), second, image);
      break;
    default:
      blend(clouds(3 + random.below(6), random), second, image);
      break;
  }
  return image;
}

// Averages a drawing on the large canvas to weights in [0, 1].
cv::Mat to_weight(const cv::Mat& canvas) {
  cv::Mat weight;
  cv::resize(canvas, weight, cv::Size(kSide, kSide), 0, 0, cv::INTER_AREA);
  weight.convertTo(weight, CV_32F, 1.0 / 255);
  return weight;
}

struct Pose {
  double height;  // of the digit, pixels of the result
  double x, y;    // of its centre, pixels of the result
  double turn;    // radians
  double slant;   // shear: pixels to the right per pixel upwards
  double aspect;  // width is multiplied by it
};

cv::Mat draw_digit(int digit, const Pose& pose, Random& random) {
  constexpr std::array<int, 8> kFonts = {cv::FONT_HERSHEY_SIMPLEX,        cv::FONT_HERSHEY_PLAIN,
                                         cv::FONT_HERSHEY_DUPLEX,         cv::FONT_HERSHEY_COMPLEX,
                                         cv::FONT_HERSHEY_TRIPLEX,        cv::FONT_HERSHEY_COMPLEX_SMALL,
                                         cv::FONT_HERSHEY_SCRIPT_SIMPLEX, cv::FONT_HERSHEY_SCRIPT_COMPLEX};
  const int font = kFonts[random.below(kFonts.size())] | (random.chance(0.3) ? cv::FONT_ITALIC : 0);
  const int thickness = 2 + random.below(8);
  const std::string text(1, static_cast<char>('0' + digit));
  constexpr int kDrawnHeight = 60;  // pixels of the canvas
  int baseline = 0;
  const cv::Size unit = cv::getTextSize(text, font, 1.0, 1, &baseline);
  const double scale = static_cast<double>(kDrawnHeight) / unit.height;
  const cv::Size size = cv::getTextSize(text, font, scale, 1, &baseline);
  cv::Mat drawn = cv::Mat::zeros(kCanvas, kCanvas, CV_8U);
  cv::putText(drawn, text, {(kCanvas - size.width) / 2, (kCanvas + size.height) / 2}, font, scale, cv::Scalar(255),
              thickness, cv::LINE_AA);
  // Canvas to canvas: centre to the origin, stretch, slant, turn, then to its place.
  const double zoom = pose.height * kOversampling / kDrawnHeight;
  const double cosine = std::cos(pose.turn);
  const double sine = std::sin(pose.turn);
  const double a = zoom * cosine * pose.aspect;
  const double b = zoom * (-cosine * pose.slant - sine);
  const double c = zoom * sine * pose.aspect;
  const double d = zoom * (-sine * pose.slant + cosine);
  const double centre = kCanvas / 2.0;
  const cv::Mat transform = (cv::Mat_<double>(2, 3) << a, b, pose.x * kOversampling - (a + b) * centre, c, d,
                             pose.y * kOversampling - (c + d) * centre);
  cv::Mat placed;
  cv::warpAffine(drawn, placed, transform, drawn.size(), cv::INTER_LINEAR);
  return to_weight(placed);
}

cv::Mat draw_stroke(Random& random) {
  cv::Mat canvas = cv::Mat::zeros(kCanvas, kCanvas, CV_8U);
  const auto point = [&] { return cv::Point(random.below(kCanvas), random.below(kCanvas)); };
  const int thickness = 2 + random.below(6);
  if (random.chance(0.5)) {
    cv::line(canvas, point(), point(), cv::Scalar(255), thickness, cv::LINE_AA);
  } else {
    const double start = random.uniform(0, 360);
    const cv::Size axes(6 + random.below(kCanvas / 3), 6 + random.below(kCanvas / 3));
    cv::ellipse(canvas, point(), axes, random.uniform(0, 180), start, start + random.uniform(40, 200), cv::Scalar(255),
                thickness, cv::LINE_AA);
  }
  return to_weight(canvas);
}

Pose random_pose(Random& random) {
  Pose pose{};
  pose.height = random.uniform(16, 25);
  const double play = (kSide - pose.height) / 2;
  pose.x = kSide / 2.0 + random.uniform(-play, play);
  pose.y = kSide / 2.0 + random.uniform(-play, play);
  pose.turn = random.uniform(-0.3, 0.3);
  pose.slant = random.uniform(-0.25, 0.25);
  pose.aspect = random.uniform(0.8, 1.2);
  return pose;
}

}  // namespace

RgbImage draw_digit_image(uint64_t seed, RenderedSplit split, int64_t index) {
  Random random(derive_seed(seed, "render " + to_name(split), static_cast<uint64_t>(index)));
  const cv::Vec3f ground = random.colour();
  cv::Mat image = background(ground, random);
  for (int strokes = random.below(3); strokes > 0; --strokes) {
    blend(draw_stroke(random), ground + 0.4F * (random.colour() - ground), image);
  }
  const Pose pose = random_pose(random);
  if (random.chance(0.3)) {
    // A neighbour, cut off by the edge, as on a house-number plate.
    Pose neighbour = random_pose(random);
    neighbour.x = pose.x + (random.chance(0.5) ? 1 : -1) * (pose.height + random.uniform(0, 6));
    blend(draw_digit(random.below(10), neighbour, random), colour_against(ground, 40, random), image);
  }
  blend(draw_digit(static_cast<int>(index % kRenderedClasses), pose, random), colour_against(ground, 80, random),
        image);
  const double blur = random.uniform(0, 0.8);
  if (blur > 0.3) cv::GaussianBlur(image, image, cv::Size(5, 5), blur);
  const double noise = random.uniform(0, 3);
  RgbImage result{kSide, kSide, {}};
  for (int i = 0; i < kSide * kSide; ++i) {
    for (int c = 0; c < 3; ++c) {
      const double value = image.at<cv::Vec3f>(i / kSide, i % kSide)[c] + random.uniform(-noise, noise);
      result.pixels.push_back(static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L)));
    }
  }
  return result;
}

}  // namespace dcgan::data
