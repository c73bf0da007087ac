#include "dcgan/feature_file.h"
#include "store/hdf5_texts.h"

namespace dcgan {

std::string file_format(const std::string& path) {
  const hdf5::Session session;
  const hdf5::Handle file = hdf5::open_file(path);
  return hdf5::read_attribute({file, path}, "format", std::string());
}

}  // namespace dcgan
