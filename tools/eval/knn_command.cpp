#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "eval/neighbours/nearest.h"
#include "eval/svm/linear_model.h"
#include "tools/cli/memory.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/eval/commands.h"
#include "tools/eval/labelled_rows.h"

namespace dcgan::eval_tool {
namespace {

struct KnnOptions {
  std::string train, test;
  std::string features = "features";
  std::string labels = "labels";
  std::string max_memory = "2G";
};

template <class Visitor>
void describe(KnnOptions& o, Visitor&& f) {
  f(o.train, "train", "feature file whose rows are the neighbours (or packed images: their pixels)");
  f(o.test, "test", "feature file whose rows are classified; classes are matched by name");
  f(o.features, "features", "name of the dataset with the features, for files of other programs");
  f(o.labels, "labels", "name of the dataset with the labels");
  f(o.max_memory, "max-memory", "for test rows; more of them than fit take more than one pass over the other file");
}

}  // namespace

int knn_command(cli::CommandLine& line) {
  KnnOptions options;
  eval::NearestOptions search;
  search.k = 1;
  line.about(
      "The class that most of the nearest rows of one feature file have (of equally frequent ones the nearest's), "
      "tested on another.",
      "--train train.h5 --test test.h5 -k 10 --metric cosine");
  line.add("Files", options);
  line.add("Neighbours", search);
  line.require(options.train, "--train", "the feature file with the neighbours");
  line.require(options.test, "--test", "the feature file to test on");
  if (!line.parse()) return 0;
  check(search);
  const cli::CommonOptions& common = line.common();
  search.threads = common.threads;
  search.max_memory = cli::memory_size("max-memory", options.max_memory);
  const auto train = LabelledRows::open(options.train, options.features, options.labels);
  const auto test = LabelledRows::open(options.test, options.features, options.labels);
  check_pair(*train, *test, common.quiet);
  if (train->rows() == 0 || test->rows() == 0) {
    throw FileError((train->rows() == 0 ? train : test)->path(), "has no rows.");
  }
  const std::vector<int32_t> expected = eval::match_classes(test->labels(), train->labels().classes);
  cli::Progress progress("rows", train->rows() * eval::nearest_passes(*test, search), common);
  search.on_rows = [&](int64_t done) {
    cli::stop_if_interrupted();
    progress.update(done);
  };
  std::vector<int32_t> predicted;
  for (const std::vector<eval::Neighbour>& neighbours : eval::nearest(*test, *train, search)) {
    predicted.push_back(eval::most_frequent(neighbours, train->labels().labels));
  }
  const double accuracy = eval::accuracy(predicted, expected);
  std::ostringstream text;
  text << std::fixed << std::setprecision(2) << "accuracy  " << 100 * accuracy << "%  (" << test->rows()
       << " test rows, " << std::min(search.k, train->rows()) << " of " << train->rows() << " neighbours, "
       << to_name(search.metric) << ")\n";
  cli::print_result(common,
                    {{"accuracy", accuracy},
                     {"error", 1 - accuracy},
                     {"k", search.k},
                     {"metric", to_name(search.metric)},
                     {"train_rows", train->rows()},
                     {"test_rows", test->rows()},
                     {"features", train->columns()},
                     {"classes", train->labels().classes}},
                    text.str());
  return 0;
}

}  // namespace dcgan::eval_tool
