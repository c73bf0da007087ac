#include "train/collapse.h"

#include <gmock/gmock.h>

namespace dcgan::train {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

StepReport with_loss(double loss) {
  StepReport report;
  report.discriminator_loss = loss;
  return report;
}

TEST(CollapseWatch, SpeaksOnceWhenTheDiscriminatorHasWonForTenReportsInARow) {
  CollapseWatch watch;
  for (int i = 0; i < 9; ++i) EXPECT_THAT(watch.observe(with_loss(0.005)), IsEmpty());
  EXPECT_THAT(watch.observe(with_loss(0.3)), IsEmpty());  // not in a row
  for (int i = 0; i < 9; ++i) EXPECT_THAT(watch.observe(with_loss(0.005)), IsEmpty());
  EXPECT_THAT(watch.observe(with_loss(0.005)), HasSubstr("the discriminator has won"));
  EXPECT_THAT(watch.observe(with_loss(0.005)), IsEmpty());
}

TEST(CollapseWatch, SpeaksOnceWhenTheSamplesVaryFarLessThanTheImages) {
  CollapseWatch watch;
  EXPECT_THAT(watch.observe_spread(0.3, 0.5), IsEmpty());
  EXPECT_THAT(watch.observe_spread(0.01, 0.5), HasSubstr("they vary 2.0% as much as the images"));
  EXPECT_THAT(watch.observe_spread(0.01, 0.5), IsEmpty());
  EXPECT_THAT(watch.observe_spread(0.3, 0.5), IsEmpty());
  EXPECT_THAT(watch.observe_spread(0.01, 0.5), HasSubstr("alike"));
}

TEST(CollapseWatch, OfADiscriminatorAloneSpeaksOnceWhenAllViewsLookAlike) {
  StepReport report;
  report.has_generator = false;  // its losses of 0 mean nothing
  report.contrastive = true;
  CollapseWatch watch;
  for (int i = 0; i < 12; ++i) EXPECT_THAT(watch.observe(report), IsEmpty());
  report.view_similarity = 0.97;
  EXPECT_THAT(watch.observe(report), HasSubstr("all views look alike to the discriminator: those of different images "
                                               "have a mean cosine of 0.970"));
  CollapseWatch resumed;
  resumed.restore(watch.state());
  for (CollapseWatch* w : {&watch, &resumed}) {
    EXPECT_THAT(w->observe(report), IsEmpty());
    report.view_similarity = 0.5;
    EXPECT_THAT(w->observe(report), IsEmpty());
    report.view_similarity = 0.97;
    EXPECT_THAT(w->observe(report), HasSubstr("alike"));
  }
}

TEST(CollapseWatch, GoesOnFromItsStateAsIfItHadNotStopped) {
  StepReport won;
  won.discriminator_loss = 0;
  CollapseWatch first, second;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(first.observe(won), "");
  EXPECT_NE(first.observe_spread(0, 1), "");
  second.restore(first.state());
  EXPECT_EQ(second.observe_spread(0, 1), "") << "was said before";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(second.observe(won), "");
  EXPECT_NE(second.observe(won), "") << "the tenth in a row";
}

}  // namespace
}  // namespace dcgan::train
