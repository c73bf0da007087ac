// usage: grouping_benchmark IMAGES UNSURE_BITS     CPU seconds and peak memory
//
// The grouping of dcgan-prepare dedup alone: random codes, of which one in eleven is that of the image before it.
#include <sys/resource.h>

#include <ctime>
#include <iostream>
#include <random>
#include <string>

#include "data/duplicates.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " IMAGES UNSURE_BITS\n";
    return 2;
  }
  const int64_t images = std::stoll(argv[1]);
  std::mt19937_64 random(1);
  dcgan::data::DuplicateFinder finder(std::stoll(argv[2]), images);
  int64_t duplicates = 0;
  dcgan::ImageCode code;
  const std::clock_t start = std::clock();
  for (int64_t i = 0; i < images; ++i) {
    if (i % 11 != 10) {
      code.bits = {random(), random()};
      for (size_t j = 0; j < code.unsure.size(); ++j) code.unsure[j] = static_cast<uint8_t>(8 * j + random() % 8);
    }
    if (finder.add(code) >= 0) ++duplicates;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << duplicates << " duplicates, " << static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC << " s, "
            << usage.ru_maxrss / 1024 << " MiB\n";
}
