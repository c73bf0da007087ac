// The released weights: whatever shapes the arrays have, they make a model that can be saved, or a dcgan::Error. The
// fuzzer's bytes are the shapes of the arrays, one byte a size, 4 bytes an array; 0 ends a shape, 255 leaves the array
// out.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "dcgan/errors.h"
#include "dcgan/released_weights.h"
#include "tests/support/temporary_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  static const dcgan::test::TemporaryFolder folder;
  const std::string arrays = folder / "arrays";
  std::filesystem::create_directory(arrays);
  for (size_t i = 0; i + 4 <= count && i < size_t{4} * 40; i += 4) {
    if (bytes[i] == 255) continue;
    std::string shape;
    size_t values = 1;
    for (size_t k = i; k < i + 4 && bytes[k] != 0; ++k) {
      shape += std::to_string(bytes[k]) + ",";
      values *= bytes[k];
    }
    const size_t number = i / 4 % 20 + 1;
    if (values > 100'000) continue;
    const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + ")}";
    std::ofstream(arrays + (i < 80 ? "/7_discrim" : "/7_gen") + "_params.jl_" + (number < 10 ? "0" : "") +
                      std::to_string(number) + ".npy",
                  std::ios::binary)
        << "\x93NUMPY\x01" << '\0' << static_cast<char>(header.size()) << '\0' << header
        << std::string(values * sizeof(float), '\0');
  }
  for (const bool partial : {false, true}) {
    try {
      dcgan::save_model(folder / "model", dcgan::read_released_weights(arrays, partial));
    } catch (const dcgan::Error&) {  // a refusal is a right answer
    }
  }
  std::filesystem::remove_all(arrays);
  return 0;
}
