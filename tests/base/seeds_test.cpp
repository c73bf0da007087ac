#include "dcgan/seeds.h"

#include <gmock/gmock.h>

#include <set>

namespace dcgan {
namespace {

TEST(Seeds, DifferByRootPurposeAndPosition) {
  std::set<uint64_t> seeds;
  for (const uint64_t root : {0U, 1U, 42U}) {
    for (const char* purpose : {"", "a", "b", "ab", "ba"}) {
      for (uint64_t position = 0; position < 100; ++position) seeds.insert(derive_seed(root, purpose, position));
    }
  }
  EXPECT_EQ(seeds.size(), 3U * 5U * 100U);
}

// Values of the first release: a change would silently change every shuffle, and with it every published figure.
TEST(Seeds, StayTheSameFromVersionToVersion) {
  EXPECT_THAT(shuffled_indices(8, 42), testing::ElementsAre(7, 0, 5, 1, 2, 4, 3, 6));
  EXPECT_EQ(derive_seed(42, "shuffle"), 15762295886958978478U);
}

TEST(Seeds, ShuffleEveryIndexOnceAndEveryPlaceAlike) {
  constexpr int kRounds = 6000;
  int first_place[3] = {};
  for (uint64_t seed = 0; seed < kRounds; ++seed) {
    const std::vector<int64_t> order = shuffled_indices(3, seed);
    EXPECT_THAT(order, testing::UnorderedElementsAre(0, 1, 2));
    ++first_place[order[0]];
  }
  // Binomial with p = 1/3: standard deviation 36.5; five of them.
  for (const int count : first_place) EXPECT_NEAR(count, kRounds / 3.0, 183);
}

}  // namespace
}  // namespace dcgan
