// folder MODEL.safetensors PICTURE...: the largest feature of each of many pictures; Ctrl-C stops and keeps what is
// done
#include <dcgan/image_files.h>

#include <algorithm>
#include <csignal>
#include <iostream>

volatile std::sig_atomic_t stop_was_asked = 0;

int main(int argc, char** argv) try {
  if (argc < 3) return 2;
  std::signal(SIGINT, [](int /*signal*/) { stop_was_asked = 1; });
  const std::vector<std::string> pictures(argv + 2, argv + argc);
  dcgan::FeatureExtractor extractor(argv[1]);
  const auto columns = static_cast<size_t>(extractor.feature_count());
  std::vector<float> features(pictures.size() * columns);
  std::vector<bool> good(pictures.size(), true);
  size_t ready = 0;
  extractor.on_progress([&](int64_t done, int64_t total) {
    ready = static_cast<size_t>(done);
    std::cerr << done << " of " << total << '\n';
    if (stop_was_asked) throw dcgan::Error(dcgan::ErrorCode::kStopped, "stopped");
  });
  const auto failed = [&](int64_t number, const std::string& reason) {
    good[static_cast<size_t>(number)] = false;
    std::cerr << pictures[static_cast<size_t>(number)] << ": " << reason << '\n';
  };
  try {
    dcgan::extract_files(extractor, pictures, features.data(), failed);
  } catch (const dcgan::Error& e) {
    if (e.code() != dcgan::ErrorCode::kStopped) throw;
  }
  for (size_t i = 0; i < ready; ++i) {
    const float* const row = features.data() + i * columns;
    if (good[i]) std::cout << pictures[i] << '\t' << columns << '\t' << *std::max_element(row, row + columns) << '\n';
  }
} catch (const dcgan::Error& e) {
  std::cerr << "error: " << e.what() << '\n';
  return 1;
}
