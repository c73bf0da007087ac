// Keras' files: any bytes are read or refused with a dcgan::Error; as an HDF5 file, and as the configuration of a model
// with the arrays that a small discriminator and a small generator have.
#include "dcgan/errors.h"
#include "dcgan/keras_file.h"
#include "dcgan/keras_network.h"
#include "tests/fuzz/bytes_as_file.h"

namespace {

void find(const std::string& path, const dcgan::KerasArrays& arrays) {
  std::vector<dcgan::StateDictReader> files;
  dcgan::KerasNetwork network = dcgan::keras_network(path, arrays, {});
  files.push_back(std::move(network.tensors));
  dcgan::find_network(files, network.facts);
}

dcgan::KerasArrays::Array array(const char* name, std::vector<int64_t> shape) {
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  return {name, std::move(shape), std::vector<float>(static_cast<size_t>(count), 0.5F)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  const dcgan::test::BytesAsFile file(bytes, count);
  try {
    find(file.path(), dcgan::read_keras_file(file.path()));
  } catch (const dcgan::Error&) {  // a refusal is a right answer
  }
  dcgan::KerasArrays arrays;
  arrays.named_by_class = true;
  arrays.arrays = {array("layers/batch_normalization/vars/0", {4}),
                   array("layers/batch_normalization/vars/1", {4}),
                   array("layers/batch_normalization/vars/2", {4}),
                   array("layers/batch_normalization/vars/3", {4}),
                   array("layers/conv2d/vars/0", {4, 4, 3, 4}),
                   array("layers/conv2d/vars/1", {4}),
                   array("layers/conv2d_1/vars/0", {3, 3, 4, 3}),
                   array("layers/conv2d_transpose/vars/0", {4, 4, 4, 4}),
                   array("layers/conv2d_transpose/vars/1", {4}),
                   array("layers/dense/vars/0", {16, 1}),
                   array("layers/dense/vars/1", {1}),
                   array("layers/dense_1/vars/0", {2, 16})};
  arrays.config.assign(reinterpret_cast<const char*>(bytes), count);
  try {
    find("bytes.keras", arrays);
  } catch (const dcgan::Error&) {
  }
  return 0;
}
