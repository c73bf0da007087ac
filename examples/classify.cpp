// classify MODEL.safetensors MACHINE.safetensors PICTURE: the three best classes of a picture
#include <dcgan/image_files.h>
#include <dcgan/linear_classifier.h>

#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 4) return 2;
  const dcgan::LinearClassifier classifier(argv[2]);
  dcgan::FeatureExtractor extractor(argv[1], classifier.feature_options());
  classifier.require(extractor);
  const dcgan::LoadedImage picture = dcgan::load_image(argv[3]);
  const dcgan::ImageView view = picture.view();
  std::vector<float> features(static_cast<size_t>(extractor.feature_count()));
  extractor.extract(&view, 1, features.data());
  for (const auto& [number, score] : classifier.best(features.data(), 3)) {
    std::cout << classifier.classes()[static_cast<size_t>(number)] << '\t' << score << '\n';
  }
} catch (const dcgan::Error& e) {
  std::cerr << "error: " << e.what() << '\n';
  return 1;
}
