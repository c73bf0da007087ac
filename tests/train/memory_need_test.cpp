#include "train/memory_need.h"

#include <gmock/gmock.h>

namespace dcgan::train {
namespace {

TEST(PlaceOfImages, IsTheDeviceWhereItHasRoomForThemWhateverTheHostHas) {
  TrainingRun run;
  const MemoryNeed need = {1000, 100};
  for (const bool fits_on_host : {true, false}) {
    run.images_in_memory = fits_on_host;
    const ImagePlace otherwise = fits_on_host ? ImagePlace::kHost : ImagePlace::kFile;
    EXPECT_EQ(place_of_images(run, need, 1200), ImagePlace::kDevice);
    EXPECT_EQ(place_of_images(run, need, 1199), otherwise) << "the steps need room, too";
    EXPECT_EQ(place_of_images(run, need, std::nullopt), otherwise) << "a CPU's memory is the host's";
  }
}

}  // namespace
}  // namespace dcgan::train
