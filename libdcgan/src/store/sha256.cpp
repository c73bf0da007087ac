#include "store/sha256.h"

#include <fcntl.h>
#include <openssl/evp.h>

#include <algorithm>
#include <vector>

#include "dcgan/errors.h"
#include "store/files.h"

namespace dcgan::store {
namespace {

void require(int good) {
  if (good != 1) throw Error("SHA-256 failed in libcrypto.");
}

}  // namespace

struct Sha256::State {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  require(EVP_DigestInit_ex(state_->digest.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::add(const void* bytes, size_t count) { require(EVP_DigestUpdate(state_->digest.get(), bytes, count)); }

std::string Sha256::hex() {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  require(EVP_DigestFinal_ex(state_->digest.get(), hash, &length));
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += "0123456789abcdef"[hash[i] >> 4];
    text += "0123456789abcdef"[hash[i] & 15];
  }
  return text;
}

std::string sha256_of_file(const std::string& path) {
  constexpr int64_t kBlock = int64_t{1} << 20;
  const File file(path, O_RDONLY);
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

}  // namespace dcgan::store
