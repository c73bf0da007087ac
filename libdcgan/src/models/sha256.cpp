#include "models/sha256.h"

#include <fcntl.h>
#include <nettle/base16.h>
#include <nettle/sha2.h>

#include <algorithm>
#include <vector>

#include "base/files.h"

namespace dcgan::models {

// Nettle is small and needs nothing else, so that a program that only wants features stays small.
struct Sha256::State {
  sha256_ctx context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { sha256_init(&state_->context); }

Sha256::~Sha256() = default;

void Sha256::add(const void* bytes, size_t count) {
  sha256_update(&state_->context, count, static_cast<const uint8_t*>(bytes));
}

std::string Sha256::hex() {
  uint8_t hash[SHA256_DIGEST_SIZE];
  sha256_digest(&state_->context, sizeof hash, hash);
  std::string text(BASE16_ENCODE_LENGTH(sizeof hash), '\0');
  base16_encode_update(text.data(), sizeof hash, hash);
  return text;
}

std::string sha256_of_file(const std::string& path) {
  constexpr int64_t kBlock = int64_t{1} << 20;
  const base::File file(path, O_RDONLY);
  Sha256 hash;
  std::vector<char> block(kBlock);
  const int64_t size = file.size();
  for (int64_t offset = 0; offset < size; offset += kBlock) {
    const auto count = static_cast<size_t>(std::min(kBlock, size - offset));
    file.read_at(offset, block.data(), count);
    hash.add(block.data(), count);
  }
  return hash.hex();
}

}  // namespace dcgan::models
