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

}  // namespace
}  // namespace dcgan::train
