#pragma once

#include <cstdint>
#include <vector>

#include "dcgan/semantic_hash.h"

namespace dcgan::data {

/// Finds images whose codes are equal, in one pass and a hash table: time and memory are linear in the images.
///
/// The first image of those that are alike stays. A later one is its duplicate if the codes are equal, where each of
/// the later one's `unsure_bits` bits that were nearest to their threshold may also be the other way round: 2^k
/// look-ups instead of one. 0 is the paper's rule.
class DuplicateFinder {
 public:
  static constexpr int64_t kMostUnsureBits = 12;

  /// @param expected  images, to size the table
  DuplicateFinder(int64_t unsure_bits, int64_t expected);

  /// @return the number of the image that this one duplicates; -1 if it stays. Images are numbered as they come.
  int64_t add(const ImageCode& code);

 private:
  using Bits = std::array<uint64_t, 2>;
  struct Entry {
    Bits bits;
    int64_t image;
  };
  /// Where these bits are in the table, or would be.
  size_t slot(const Bits& bits) const;

  int64_t unsure_bits_;
  int64_t images_ = 0;
  std::vector<Entry> table_;  ///< open addressing; a power of two, half full at most
};

}  // namespace dcgan::data
