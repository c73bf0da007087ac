// usage: image_benchmark read|decode|detect THREADS FOLDER     prints seconds
//
// What dcgan-prepare cannot be faster than: OpenCV alone on the files of a folder that are in memory, all threads busy.
// read: the files from the page cache; decode: cv::imdecode; detect: the face detector on decoded grey images.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/objdetect.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Bytes = std::vector<unsigned char>;

Bytes read_file(const std::string& path) {
  Bytes bytes(std::filesystem::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

// @return seconds for every number below `count`, each given to one of the threads
double seconds_of(size_t count, int threads, const std::function<std::function<void(size_t)>()>& make_worker) {
  std::atomic<size_t> next{0};
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> team;
  for (int t = 0; t < threads; ++t) {
    team.emplace_back([&] {
      const auto work = make_worker();
      for (size_t i = next++; i < count; i = next++) work(i);
    });
  }
  for (std::thread& thread : team) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: " << argv[0] << " read|decode|detect THREADS FOLDER\n";
    return 2;
  }
  const std::string job = argv[1];
  const int threads = std::stoi(argv[2]);
  cv::setNumThreads(1);
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[3])) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::vector<Bytes> files(paths.size());
  std::vector<cv::Mat> images(paths.size());
  const auto read = [&](size_t i) { files[i] = read_file(paths[i]); };
  const auto decode = [&](size_t i, int mode) {
    images[i] = cv::imdecode(files[i], mode);
    if (images[i].empty()) throw std::runtime_error(paths[i] + ": cannot be decoded");
  };
  const auto decode_colour = [&](size_t i) {
    decode(i, cv::IMREAD_COLOR);
    images[i].release();
  };
  const auto decode_grey = [&](size_t i) { decode(i, cv::IMREAD_GRAYSCALE); };
  seconds_of(paths.size(), threads, [&] { return read; });
  double seconds = 0;
  if (job == "read") {
    seconds = seconds_of(paths.size(), threads, [&] { return read; });
  } else if (job == "decode") {
    seconds = seconds_of(paths.size(), threads, [&] { return decode_colour; });
  } else {
    seconds_of(paths.size(), threads, [&] { return decode_grey; });
    seconds = seconds_of(paths.size(), threads, [&] {
      const auto cascade =
          std::make_shared<cv::CascadeClassifier>(DCGAN_HAAR_CASCADES "/haarcascade_frontalface_default.xml");
      return [&images, cascade](size_t i) {  // with the defaults of dcgan-prepare faces
        std::vector<cv::Rect> boxes;
        cascade->detectMultiScale(images[i], boxes, 1.1, 5, 0, cv::Size(96, 96));
      };
    });
  }
  std::cout << seconds << "\n";
}
