#include "data/pack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "data/image_folder.h"
#include "data/open_images.h"
#include "data/packed_contents.h"
#include "data/rendered_set.h"
#include "dcgan/errors.h"
#include "tests/data/example_images.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

data::PackJob job_to(const std::string& output, int64_t threads = 2) {
  data::PackJob job;
  job.output = output;
  job.threads = threads;
  return job;
}

data::RenderOptions digits(int64_t count) {
  data::RenderOptions options;
  options.count = count;
  return options;
}

TEST(Pack, KeepsOrderLabelsAndFailures) {
  const TemporaryFolder folder;
  for (const char* name : {"in/b/1.png", "in/a/2.png"}) {
    fs::create_directories(fs::path(folder / name).parent_path());
    fs::copy_file(golden_image("rgb.png"), folder / name);
  }
  write_bytes(folder / "in/a/broken.jpg", {'x'});
  const data::OpenedImages images = data::open_images({folder / "in"}, {}, {});
  data::PackJob job = job_to(folder / "out.h5");
  std::vector<std::string> failed;
  job.on_failure = [&failed](const Failure& failure) { failed.push_back(failure.path); };
  const data::PackResult result = data::pack_images(*images.source, job);
  EXPECT_EQ(result.images, 2);
  EXPECT_EQ(result.failures, 1);
  EXPECT_THAT(failed, ElementsAre("a/broken.jpg"));

  const PackedImageReader packed(folder / "out.h5");
  EXPECT_THAT(packed.paths(), ElementsAre("a/2.png", "b/1.png"));
  EXPECT_THAT(packed.labels(), ElementsAre(0, 1));
  EXPECT_THAT(packed.info().classes, ElementsAre("a", "b"));
  EXPECT_EQ(packed.failures().at(0).path, "a/broken.jpg");
  EXPECT_THAT(packed.info().preparation, HasSubstr(R"("resize":"linear")"));
  EXPECT_THAT(data::class_counts(packed).counts, ElementsAre(1, 1));
}

TEST(Pack, APackedFileIsADataSetLikeAnyOther) {
  const TemporaryFolder folder;
  data::pack_images(data::RenderedSet(digits(100), 1), job_to(folder / "one.h5"));
  data::pack_images(*data::open_images({folder / "one.h5"}, {}, {}).source, job_to(folder / "two.h5"));
  const PackedImageReader one(folder / "one.h5");
  const PackedImageReader two(folder / "two.h5");
  EXPECT_EQ(data::pixel_checksum(one), data::pixel_checksum(two));
  EXPECT_EQ(one.paths(), two.paths());
  EXPECT_EQ(one.labels(), two.labels());
}

TEST(Pack, GivesTheSamePixelsWithAnyNumberOfThreadsAndOthersWithAnotherSeed) {
  const TemporaryFolder folder;
  std::vector<std::string> sums;
  for (const auto& [seed, threads] : {std::pair(1, 1), std::pair(1, 4), std::pair(2, 1)}) {
    const std::string path = folder / std::to_string(sums.size());
    data::pack_images(data::RenderedSet(digits(150), static_cast<uint64_t>(seed)), job_to(path, threads));
    sums.push_back(data::pixel_checksum(PackedImageReader(path)));
  }
  EXPECT_EQ(sums[0], sums[1]);
  EXPECT_NE(sums[0], sums[2]);
}

TEST(Pack, GoesOnWhereItWasStopped) {
  const TemporaryFolder folder;
  const data::RenderedSet set(digits(500), 1);
  data::pack_images(set, job_to(folder / "straight.h5"));
  data::PackJob job = job_to(folder / "out.h5");
  job.should_stop = [] { return true; };
  EXPECT_TRUE(data::pack_images(set, job).stopped);
  EXPECT_FALSE(fs::exists(folder / "out.h5"));
  EXPECT_THROW(data::pack_images(set, job), FileError);
  job.mode = OutputMode::kResume;
  job.should_stop = [] { return false; };
  EXPECT_EQ(data::pack_images(set, job).resumed_at, 64);
  const PackedImageReader straight(folder / "straight.h5");
  const PackedImageReader resumed(folder / "out.h5");
  EXPECT_EQ(data::pixel_checksum(straight), data::pixel_checksum(resumed));
  EXPECT_EQ(straight.paths(), resumed.paths());
  EXPECT_EQ(straight.labels(), resumed.labels());
}

TEST(Pack, RefusesToReplaceAFileOrToWriteAnEmptyOne) {
  const TemporaryFolder folder;
  const data::RenderedSet set(digits(10), 1);
  data::pack_images(set, job_to(folder / "out.h5"));
  EXPECT_THROW(data::pack_images(set, job_to(folder / "out.h5")), FileError);
  data::PackJob again = job_to(folder / "out.h5");
  again.mode = OutputMode::kOverwrite;
  EXPECT_EQ(data::pack_images(set, again).images, 10);

  write_bytes(folder / "broken.jpg", {'x'});
  const data::OpenedImages images = data::open_images({folder / "broken.jpg"}, {}, {});
  try {
    data::pack_images(*images.source, job_to(folder / "none.h5"));
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("none of the 1 inputs gave an image; the first"));
  }
  EXPECT_FALSE(fs::exists(folder / "none.h5"));
}

TEST(PackedContents, ReadsNoFurtherThanTheEnd) {
  const TemporaryFolder folder;
  data::pack_images(data::RenderedSet(digits(10), 1), job_to(folder / "out.h5"));
  const ImageBatch batch = data::read_images(PackedImageReader(folder / "out.h5"), 8, 100);
  EXPECT_EQ(batch.count(), 2);
  EXPECT_THAT(batch.labels, ElementsAre(8, 9));
}

}  // namespace
}  // namespace dcgan::test
