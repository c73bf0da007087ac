#pragma once

#include <string>
#include <vector>

namespace dcgan::train_tool {

/// One line of a plot: y over x, x rising.
struct Curve {
  struct Point {
    double x, y;
  };
  std::string label;
  std::vector<Point> points;
};

/// A picture of the curves as an <svg> element: axes with round numbers, a legend. A curve of more than 400 points is
/// drawn as the means of 400 groups of neighbours, over a band from the lowest to the highest of each.
std::string line_plot(const std::vector<Curve>& curves);

}  // namespace dcgan::train_tool
