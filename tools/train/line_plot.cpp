#include "tools/train/line_plot.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tools/cli/text_values.h"
#include "tools/shared/html.h"

namespace dcgan::train_tool {
namespace {

using cli::number_text;

// Pixels.
constexpr double kWidth = 560;
constexpr double kHeight = 260;
constexpr double kLeft = 64;
constexpr double kRight = 16;
constexpr double kTop = 30;
constexpr double kBottom = 42;

constexpr size_t kMostPoints = 400;
constexpr std::array<const char*, 4> kColours = {"#1f5fa8", "#c4511d", "#2d7d46", "#7a4a9e"};

// From a multiple of a round step to another, so that all values lie between: about five steps of 1, 2 or 5 times a
// power of ten.
struct Axis {
  Axis(double lowest, double highest) {
    if (lowest > 0 && lowest < highest / 2) lowest = 0;
    if (highest <= lowest) highest = lowest + std::max(1.0, std::abs(lowest));
    const double rough = (highest - lowest) / 5;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    step = power * (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10);
    low = std::floor(lowest / step) * step;
    high = std::ceil(highest / step) * step;
  }
  double low, high, step;
};

struct Scale {
  Axis x, y;
  std::string point(double at_x, double at_y) const {
    return number_text("%.1f", across(at_x)) + "," + number_text("%.1f", up(at_y));
  }
  double across(double value) const { return kLeft + (value - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight); }
  double up(double value) const {
    return kHeight - kBottom - (value - y.low) / (y.high - y.low) * (kHeight - kTop - kBottom);
  }
};

Scale scale_of(const std::vector<Curve>& curves) {
  Curve::Point low = {HUGE_VAL, HUGE_VAL};
  Curve::Point high = {-HUGE_VAL, -HUGE_VAL};
  for (const Curve& curve : curves) {
    for (const Curve::Point& p : curve.points) {
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
  }
  return {{low.x, high.x}, {low.y, high.y}};
}

std::string axes(const Scale& scale) {
  std::string svg = "<g class=\"axes\">";
  const auto line = [&](double x1, double y1, double x2, double y2) {
    svg += "<line x1=\"" + number_text("%.1f", x1) + "\" y1=\"" + number_text("%.1f", y1) + "\" x2=\"" +
           number_text("%.1f", x2) + "\" y2=\"" + number_text("%.1f", y2) + "\"/>";
  };
  const auto text = [&](double x, double y, const char* anchor, const std::string& what) {
    svg += "<text x=\"" + number_text("%.1f", x) + "\" y=\"" + number_text("%.1f", y) + "\" text-anchor=\"" + anchor +
           "\">" + what + "</text>";
  };
  // Counted, as adding the step up would gather roundings.
  for (int i = 0; i <= std::lround((scale.y.high - scale.y.low) / scale.y.step); ++i) {
    const double value = scale.y.low + i * scale.y.step;
    line(kLeft, scale.up(value), kWidth - kRight, scale.up(value));
    text(kLeft - 6, scale.up(value) + 4, "end", number_text("%.6g", std::abs(value) < scale.y.step / 2 ? 0 : value));
  }
  for (int i = 0; i <= std::lround((scale.x.high - scale.x.low) / scale.x.step); ++i) {
    const double value = scale.x.low + i * scale.x.step;
    line(scale.across(value), kHeight - kBottom, scale.across(value), kHeight - kBottom + 5);
    text(scale.across(value), kHeight - kBottom + 18, "middle", number_text("%.7g", value));
  }
  text((kLeft + kWidth - kRight) / 2, kHeight - 6, "middle", "step");
  return svg + "</g>";
}

std::string draw(const Curve& curve, const Scale& scale, const std::string& colour) {
  const size_t count = curve.points.size();
  const size_t groups = std::min(count, kMostPoints);
  std::string line, above, below;
  for (size_t g = 0; g < groups; ++g) {
    const size_t begin = g * count / groups;
    const size_t end = (g + 1) * count / groups;
    Curve::Point mean = {0, 0};
    double low = HUGE_VAL;
    double high = -HUGE_VAL;
    for (size_t i = begin; i < end; ++i) {
      mean = {mean.x + curve.points[i].x, mean.y + curve.points[i].y};
      low = std::min(low, curve.points[i].y);
      high = std::max(high, curve.points[i].y);
    }
    mean = {mean.x / static_cast<double>(end - begin), mean.y / static_cast<double>(end - begin)};
    line += (g == 0 ? "" : " ") + scale.point(mean.x, mean.y);
    above += scale.point(mean.x, high) + " ";
    below = scale.point(mean.x, low) + " " + below;
  }
  if (groups == 1) {
    const std::string at = "cx=\"" + line.replace(line.find(','), 1, "\" cy=\"") + "\"";
    return "<circle " + at + " r=\"3\" fill=\"" + colour + "\"/>";
  }
  const std::string band =
      groups == count ? "" : "<polygon points=\"" + above + below + "\" fill=\"" + colour + "\" opacity=\"0.25\"/>";
  return band + "<polyline points=\"" + line + "\" stroke=\"" + colour + "\"/>";
}

}  // namespace

std::string line_plot(const std::vector<Curve>& curves) {
  const Scale scale = scale_of(curves);
  std::string svg =
      "<svg viewBox=\"0 0 " + number_text("%g", kWidth) + " " + number_text("%g", kHeight) + "\">" + axes(scale);
  double legend = kLeft;
  for (size_t i = 0; i < curves.size(); ++i) {
    const std::string colour = kColours[i % kColours.size()];
    svg += draw(curves[i], scale, colour) + "<text class=\"legend\" x=\"" + number_text("%g", legend) +
           "\" y=\"18\" fill=\"" + colour + "\">" + tools::html_text(curves[i].label) + "</text>";
    legend += 24 + 8 * static_cast<double>(curves[i].label.size());
  }
  return svg + "</svg>";
}

}  // namespace dcgan::train_tool
