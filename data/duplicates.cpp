#include "data/duplicates.h"

#include "dcgan/errors.h"
#include "dcgan/options.h"

namespace dcgan::data {
namespace {

constexpr int64_t kFree = -1;

// The finaliser of MurmurHash3 spreads every bit over the whole word.
uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 33U)) * 0xff51afd7ed558ccdU;
  x = (x ^ (x >> 33U)) * 0xc4ceb9fe1a85ec53U;
  return x ^ (x >> 33U);
}

}  // namespace

DuplicateFinder::DuplicateFinder(int64_t unsure_bits, int64_t expected) : unsure_bits_(unsure_bits) {
  require_option(unsure_bits >= 0 && unsure_bits <= kMostUnsureBits, "unsure-bits", unsure_bits,
                 text_of("from 0 to ", kMostUnsureBits));
  size_t size = 16;
  while (size < 2 * static_cast<size_t>(expected)) size *= 2;
  table_.assign(size, {{}, kFree});
}

size_t DuplicateFinder::slot(const Bits& bits) const {
  size_t at = mixed(bits[0] ^ mixed(bits[1])) & (table_.size() - 1);
  while (table_[at].image != kFree && table_[at].bits != bits) at = (at + 1) & (table_.size() - 1);
  return at;
}

int64_t DuplicateFinder::add(const ImageCode& code) {
  if (2 * static_cast<size_t>(images_) >= table_.size()) throw Error("more images were added than were expected.");
  const int64_t image = images_++;
  // Gray code: one bit changes from one look-up to the next; the code itself comes first.
  Bits bits = code.bits;
  for (uint64_t n = 1;; ++n) {
    if (const Entry& found = table_[slot(bits)]; found.image != kFree) return found.image;
    if (n == uint64_t{1} << static_cast<uint64_t>(unsure_bits_)) break;
    const uint8_t unit = code.unsure[__builtin_ctzll(n)];
    bits[unit / 64] ^= uint64_t{1} << (unit % 64);
  }
  table_[slot(code.bits)] = {code.bits, image};
  return kFree;
}

}  // namespace dcgan::data
