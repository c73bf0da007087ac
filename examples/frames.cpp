// frames MODEL.safetensors MACHINE.safetensors FRAME...: the class of each frame of a camera, here read from files.
// A cv::Mat goes in as it lies in memory: BGR, with its own distance between rows.
#include <dcgan/linear_classifier.h>

#include <iostream>
#include <opencv2/imgcodecs.hpp>

int main(int argc, char** argv) try {
  if (argc < 4) return 2;
  const dcgan::LinearClassifier classifier(argv[2]);
  dcgan::FeatureExtractor extractor(argv[1], classifier.feature_options());
  classifier.require(extractor);
  std::vector<float> features(static_cast<size_t>(extractor.feature_count()));
  for (int i = 3; i < argc; ++i) {
    const cv::Mat frame = cv::imread(argv[i]);
    const dcgan::ImageView view{frame.data, frame.cols, frame.rows, static_cast<int64_t>(frame.step),
                                dcgan::PixelFormat::kBgr};
    extractor.extract(&view, 1, features.data());
    const dcgan::ClassScore best = classifier.best(features.data()).front();
    std::cout << argv[i] << '\t' << classifier.classes()[static_cast<size_t>(best.number)] << '\t' << best.score
              << '\n';
  }
} catch (const dcgan::Error& e) {
  std::cerr << "error: " << e.what() << '\n';
  return 1;
}
