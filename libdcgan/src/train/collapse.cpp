#include "train/collapse.h"

#include <cstdio>
#include <cstdlib>

#include "dcgan/errors.h"

namespace dcgan::train {

std::string CollapseWatch::observe(const StepReport& report) {
  if (!report.has_generator) return observe_views(report);
  won_reports_ = report.discriminator_loss < kWonLoss ? won_reports_ + 1 : 0;
  if (won_reports_ != kWonReports) return "";
  return "the discriminator has won: its loss was below 0.01 in the last 10 reports, D(x) is stuck at 1, and the "
         "generator "
         "learns nothing more.";
}

std::string CollapseWatch::observe_views(const StepReport& report) {
  const bool before = views_alike_;
  views_alike_ = report.view_similarity > kAlikeViews;
  if (!views_alike_ || before) return "";
  char text[160];
  std::snprintf(text, sizeof text,
                "all views look alike to the discriminator: those of different images have a mean cosine of %.3f.",
                report.view_similarity);
  return text;
}

std::string CollapseWatch::observe_spread(double samples, double images) {
  const bool before = alike_;
  alike_ = samples < kAlikeDeviation * images;
  if (!alike_ || before) return "";
  char text[160];
  std::snprintf(text, sizeof text, "the samples are alike: they vary %.1f%% as much as the images.",
                100 * samples / images);
  return text;
}

std::string CollapseWatch::state() const {
  return text_of(won_reports_, alike_ ? " alike" : "", views_alike_ ? " views" : "");
}

void CollapseWatch::restore(const std::string& state) {
  won_reports_ = std::atoi(state.c_str());
  alike_ = state.find("alike") != std::string::npos;
  views_alike_ = state.find("views") != std::string::npos;
}

}  // namespace dcgan::train
