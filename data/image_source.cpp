#include "data/image_source.h"

#include "dcgan/seeds.h"

namespace dcgan::data {

std::string input_list_hash(const ImageSource& source) {
  uint64_t hash = 0;
  for (int64_t i = 0; i < source.count(); ++i) hash = derive_seed(hash, source.path(i));
  return std::to_string(hash);
}

}  // namespace dcgan::data
