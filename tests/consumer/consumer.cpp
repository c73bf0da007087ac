// usage: consumer MODEL.safetensors IMAGES.raw FEATURES.f32
//
// IMAGES.raw holds uint8 [N, H, W, 3] of the model's size; FEATURES.f32 becomes float32 [N, D].
#include <dcgan/feature_extractor.h>

#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: consumer MODEL.safetensors IMAGES.raw FEATURES.f32\n";
    return 2;
  }
  try {
    dcgan::FeatureExtractor extractor(argv[1]);
    const int64_t size = extractor.image_size();

    std::ifstream in(argv[2], std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const int64_t count = static_cast<int64_t>(bytes.size()) / (size * size * 3);

    std::vector<float> features(static_cast<size_t>(count * extractor.feature_count()));
    extractor.extract(reinterpret_cast<const uint8_t*>(bytes.data()), count, size, size, 0, features.data());

    std::ofstream out(argv[3], std::ios::binary);
    out.write(reinterpret_cast<const char*>(features.data()),
              static_cast<std::streamsize>(features.size() * sizeof(float)));
    std::cout << count << " images, " << extractor.feature_count() << " features each\n";
    return out ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << "\n";
    return 1;
  }
}
