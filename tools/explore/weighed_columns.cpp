#include "tools/explore/weighed_columns.h"

#include <algorithm>

#include "dcgan/errors.h"
#include "dcgan/feature_columns.h"
#include "dcgan/feature_compression.h"
#include "dcgan/linear_classifier.h"
#include "tools/cli/shipped_files.h"
#include "tools/cli/text_values.h"

namespace dcgan::explore_tool {
namespace {

std::string model_of(const std::string& model, const std::string& sha256, const std::string& svm) {
  if (!model.empty()) return cli::model_file("--model", model);
  std::string file = cli::shipped_model_of(sha256);
  if (file.empty()) {
    throw OptionError("--model is missing; ", svm,
                      " was fitted to features of a model that does not ship with the project, SHA-256 ", sha256, ".");
  }
  return file;
}

int64_t number_of(const LinearClassifier& classifier, const WeighedOptions& options) {
  const std::vector<std::string>& classes = classifier.classes();
  const auto found = std::find(classes.begin(), classes.end(), options.of_class);
  if (found != classes.end()) return found - classes.begin();
  throw OptionError("--class is ", options.of_class.empty() ? "missing" : options.of_class, "; ", options.svm,
                    " has the classes ", cli::to_text(classes), ".");
}

}  // namespace

AskedColumns weighed_columns(const std::string& model, const WeighedOptions& options, int64_t threads) {
  const LinearClassifier classifier(options.svm);
  const LinearMachines& machines = classifier.machines();
  if (!compression_sha256(machines.origin.preprocessing).empty()) {
    throw FileError(options.svm,
                    "was fitted to compressed features, whose columns are of no map; fit one to features that were "
                    "extracted without --compress.");
  }
  const int64_t number = number_of(classifier, options);
  AskedColumns asked;
  asked.model = model_of(model, machines.origin.model_sha256, options.svm);
  FeatureOptions features = classifier.feature_options();
  features.threads = threads;
  const FeatureExtractor extractor(asked.model, features);
  try {
    classifier.require(extractor);
  } catch (const Error& e) {
    throw FileError(options.svm, "was not fitted to features of ", asked.model, "; ", e.what());
  }
  asked.layers = extractor.layers();
  asked.grid = extractor.grid();
  asked.resize = extractor.resize().resize;
  const int64_t columns = classifier.feature_count();
  const float* const weights = machines.weights.data() + number * columns;
  for (const int64_t column : largest_values({weights, weights + columns}, options.heaviest)) {
    asked.columns.push_back({column, double{weights[column]}});
  }
  return asked;
}

}  // namespace dcgan::explore_tool
