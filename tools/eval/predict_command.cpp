#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/open_images.h"
#include "dcgan/feature_compression.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/feature_file.h"
#include "dcgan/linear_classifier.h"
#include "dcgan/text.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/shipped_files.h"
#include "tools/eval/commands.h"
#include "tools/shared/feature_blocks.h"
#include "tools/shared/inputs_report.h"

namespace dcgan::eval_tool {
namespace {

struct PredictOptions {
  std::string classifier;
  std::string model = cli::kDefaultModel;
  std::string compress;
  int64_t top = 1;
  int64_t max_pixels = data::DecodeOptions{}.max_pixels;
  int64_t sample_bits = data::DecodeOptions{}.sample_bits;
};

template <class Visitor>
void describe(PredictOptions& o, Visitor&& f) {
  f(o.classifier, "classifier", "machine that dcgan-eval svm --save kept");
  f(o.model, "model", "for images: the model that the machine's features are of, a file or the name of one that ships");
  f(o.compress, "compress", "for images: the file of dcgan-eval compress that the machine's features went through");
  f(o.top, "top", "how many classes of each image, best first");
  f(o.max_pixels, "max-pixels", "images with more pixels are failures");
  f(o.sample_bits, "sample-bits", "as the features were extracted with: of how many bits dark 16-bit images are");
}

struct PredictArguments {
  std::vector<std::string> inputs;
  data::InputOptions input;
  PredictOptions options;
};

// Rows with their names and, where there are any, their labels among `classes`.
struct Block {
  std::vector<float> features;
  std::vector<std::string> paths;
  std::vector<int32_t> labels;
};

// What became of the inputs: a line each on stdout, or all of them as one JSON object at the end.
class Predictions {
 public:
  Predictions(const LinearClassifier& classifier, int64_t top, const cli::CommonOptions& common)
      : classifier_(classifier), top_(top), common_(common) {}

  /// @param classes  that labels of blocks count in
  void name_classes(const std::vector<std::string>& classes) { label_classes_ = classes; }

  void add(const Block& block) {
    const int64_t columns = classifier_.feature_count();
    for (size_t i = 0; i < block.paths.size(); ++i) {
      const std::vector<ClassScore> best =
          classifier_.best(block.features.data() + static_cast<int64_t>(i) * columns, top_);
      if (!block.labels.empty()) count(block.labels[i], best.front());
      put(block.paths[i], best);
    }
  }

  void add(const Failure& failure) {
    std::cerr << cli::one_line(failure.path + ": " + failure.reason) << "\n";
    failures_.push_back({{"path", failure.path}, {"reason", failure.reason}});
  }

  int finish() {
    std::ostringstream summary;
    if (labelled_ > 0) {
      const double accuracy = static_cast<double>(right_) / static_cast<double>(labelled_);
      summary << std::fixed << std::setprecision(2) << 100 * accuracy << "% of " << labelled_
              << " labelled inputs have the class of their label";
      cli::log(common_.quiet, summary.str());
      if (common_.json) json_["accuracy"] = accuracy;
    }
    if (common_.json) {
      json_.update({{"classes", classifier_.classes()}, {"rows", rows_}, {"failures", failures_}});
      std::cout << json_text(json_) << "\n";
    }
    return failures_.empty() ? 0 : cli::kSomeInputsFailed;
  }

 private:
  void count(int32_t label, const ClassScore& best) {
    if (label < 0 && !label_classes_.empty()) return;  // a row without a label
    const std::string& name = label_classes_.empty() ? std::to_string(label) : label_classes_[label];
    ++labelled_;
    right_ += composed(classifier_.classes()[best.number]) == composed(name);
  }

  void put(const std::string& path, const std::vector<ClassScore>& best) {
    std::ostringstream line;
    nlohmann::ordered_json scores = nlohmann::ordered_json::array();
    for (const ClassScore& b : best) {
      const std::string& name = classifier_.classes()[b.number];
      line << '\t' << name << '\t' << std::setprecision(6) << b.score;
      if (common_.json) scores.push_back({{"class", name}, {"score", b.score}});
    }
    if (common_.json) {
      rows_.push_back({{"path", path}, {"best", scores}});
    } else {
      std::cout << cli::one_line(path) << line.str() << "\n";
    }
  }

  const LinearClassifier& classifier_;
  int64_t top_;
  cli::CommonOptions common_;
  std::vector<std::string> label_classes_;
  int64_t labelled_ = 0, right_ = 0;
  nlohmann::ordered_json json_, rows_ = nlohmann::ordered_json::array(), failures_ = nlohmann::ordered_json::array();
};

bool is_feature_file(const std::string& path) {
  const auto ends_with = [&](const std::string& end) {
    return path.size() >= end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0;
  };
  return (ends_with(".h5") || ends_with(".hdf5")) && file_format(path) != "dcgan-images";
}

constexpr int64_t kBlock = 64;

void predict_rows(const std::string& path, const LinearClassifier& classifier, Predictions& predictions) {
  const FeatureFileReader file(path);
  classifier.require(FeatureOrigin(file.info()), file.feature_count(), path);
  predictions.name_classes(file.info().classes);
  for (int64_t first = 0; first < file.rows(); first += kBlock) {
    cli::stop_if_interrupted();
    const int64_t count = std::min(kBlock, file.rows() - first);
    Block block;
    block.features.resize(count * file.feature_count());
    file.read(first, count, block.features.data());
    for (int64_t i = first; i < first + count; ++i) {
      block.paths.push_back(file.paths().empty() ? std::to_string(i) : file.paths()[i]);
      if (!file.labels().empty()) block.labels.push_back(file.labels()[i]);
    }
    predictions.add(block);
  }
}

void predict_images(const PredictArguments& arguments, const LinearClassifier& classifier, Predictions& predictions,
                    const cli::CommonOptions& common) {
  FeatureOptions features = classifier.feature_options();
  features.threads = common.threads;
  features.device = common.device;
  features.compress = arguments.options.compress;
  if (features.compress.empty() && !compression_sha256(classifier.machines().origin.preprocessing).empty()) {
    throw OptionError("--compress is missing; ", arguments.options.classifier,
                      " was fitted to compressed features: name the file that they went through.");
  }
  FeatureExtractor extractor(cli::model_file("--model", arguments.options.model), features);
  classifier.require(extractor);
  data::DecodeOptions decode;  // exactly: what is scaled has other features
  decode.max_pixels = arguments.options.max_pixels;
  decode.sample_bits = arguments.options.sample_bits;
  check(decode);
  const data::OpenedImages opened = data::open_images(arguments.inputs, arguments.input, decode);
  tools::log_notes(opened, common);
  if (const std::string passed_over = opened.passed_over.text(); !passed_over.empty()) {
    cli::log(common.quiet, passed_over);
  }
  predictions.name_classes(opened.source->classes());
  data::PipelineOptions options;
  options.threads = common.threads;
  tools::FeatureBlocks blocks({*opened.source, extractor}, options);
  cli::Progress progress("images", opened.source->count(), common);
  while (blocks.next()) {
    cli::stop_if_interrupted();
    const data::DecodedBlock& block = blocks.block;
    predictions.add({blocks.features, block.images.paths, block.images.labels});
    for (const Failure& failure : block.failures) predictions.add(failure);
    progress.update(block.first + block.inputs);
  }
}

}  // namespace

int predict_command(cli::CommandLine& line) {
  PredictArguments arguments;
  line.about("Classes of images, or of the rows of a feature file, by a machine that dcgan-eval svm --save kept.",
             "photos/ --classifier animals.safetensors --top 3");
  line.without({"seed"});
  line.positional(arguments.inputs, "INPUTS", "images as dcgan-extract takes them, or one feature file");
  line.add("Images", arguments.input);
  line.add("Machine", arguments.options);
  line.require(arguments.options.classifier, "--classifier", "the machine that dcgan-eval svm --save kept");
  if (!line.parse()) return 0;
  require_option(arguments.options.top >= 1, "top", arguments.options.top, "1 or more");
  if (arguments.inputs.empty() && arguments.input.list.empty()) {
    throw OptionError("no INPUTS given; name images, folders, an archive, a packed file or a feature file.");
  }
  const LinearClassifier classifier(arguments.options.classifier);
  Predictions predictions(classifier, arguments.options.top, line.common());
  if (arguments.inputs.size() == 1 && is_feature_file(arguments.inputs.front())) {
    predict_rows(arguments.inputs.front(), classifier, predictions);
  } else {
    predict_images(arguments, classifier, predictions, line.common());
  }
  return predictions.finish();
}

}  // namespace dcgan::eval_tool
