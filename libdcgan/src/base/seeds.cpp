#include "dcgan/seeds.h"

#include <numeric>
#include <random>
#include <utility>

namespace dcgan {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): spreads every input bit over the whole output.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// A number below `bound` without modulo bias, and the same with every standard library (std::uniform_int_distribution
// is not).
uint64_t below(uint64_t bound, std::mt19937_64& random) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value = random();
  while (value >= limit) value = random();
  return value % bound;
}

}  // namespace

uint64_t derive_seed(uint64_t root, std::string_view purpose, uint64_t position) {
  uint64_t seed = mix(root);
  for (const char c : purpose) seed = mix(seed ^ static_cast<unsigned char>(c));
  return mix(mix(seed) ^ position);
}

std::vector<int64_t> shuffled_indices(int64_t count, uint64_t seed) {
  std::vector<int64_t> indices(count);
  std::iota(indices.begin(), indices.end(), int64_t{0});
  std::mt19937_64 random(seed);
  for (size_t i = indices.size(); i > 1; --i) std::swap(indices[i - 1], indices[below(i, random)]);
  return indices;
}

}  // namespace dcgan
