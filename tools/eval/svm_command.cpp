#include <algorithm>
#include <iomanip>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/linear_classifier.h"
#include "eval/choice.h"
#include "eval/protocols/spread.h"
#include "eval/splits.h"
#include "eval/test_split.h"
#include "tools/cli/memory.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/eval/commands.h"
#include "tools/eval/details.h"
#include "tools/eval/labelled_rows.h"

namespace dcgan::eval_tool {
namespace {

struct SvmFiles {
  std::string train, test;
  std::string features = "features";
  std::string labels = "labels";
  std::string max_memory;
  std::string save;
};

template <class Visitor>
void describe(SvmFiles& o, Visitor&& f) {
  f(o.train, "train", "feature file that the machine is fitted to (or packed images: their pixels)");
  f(o.test, "test", "feature file that it is tested on; classes are matched by name");
  f(o.features, "features", "name of the dataset with the features, for files of other programs");
  f(o.labels, "labels", "name of the dataset with the labels");
  f(o.max_memory, "max-memory", "dense solver: memory for everything, such as 2G; rows that do not fit stay on disk");
}

struct CostOptions {
  double c = 0;
  std::vector<double> grid = eval::default_c_grid();
};

template <class Visitor>
void describe(CostOptions& o, Visitor&& f) {
  f(o.c, "c", "C, weight of the losses against the penalty; instead of choosing it");
  f(o.grid, "c-grid", "values of C to choose from, on rows held out of the training file");
}

struct SvmArguments {
  SvmFiles files;
  eval::SvmOptions svm;
  CostOptions cost;
  eval::ValidationOptions validation;
  DetailOptions details;
  bool overwrite = false;
  bool fixed = false;  ///< C was given
};

void warn(bool quiet, const std::string& line) { cli::log(quiet, "warning: " + line); }

// @return false if --help or --version was asked for and printed
bool parse(cli::CommandLine& line, SvmArguments& arguments) {
  line.about("Fits a linear SVM to one feature file and tests it on another.",
             "--train train.h5 --test test.h5 --c-grid 1e-5,1e-4,1e-3");
  line.without({"device"});
  line.add("Files", arguments.files);
  line.add_output("Files", arguments.files.save, "save",
                  "also keep the machine in this file (.safetensors), for dcgan-eval predict and the library");
  line.add("Machine", arguments.svm);
  line.add("Choice of C", arguments.cost);
  line.add("Choice of C", arguments.validation);
  line.add("Details", arguments.details);
  line.add("Details", arguments.details.test_images, "test-images",
           "packed images that --test was extracted from, to show the mistakes");
  line.add_output("Details", arguments.details.html, "html", "HTML file to make of them");
  line.add_output("Details", arguments.details.mistakes, "mistakes",
                  "PNG to make of the 64 most confident mistakes, the most confident first, eight in a row");
  line.add("Details", arguments.overwrite, "overwrite", "replace files that exist");
  line.require(arguments.files.train, "--train", "the feature file to fit to");
  line.require(arguments.files.test, "--test", "the feature file to test on");
  if (!line.parse()) return false;
  arguments.fixed = line.given("c");
  if (arguments.fixed) {
    for (const char* flag : {"c-grid", "folds", "held-out"}) {
      if (line.given(flag)) throw OptionError("--c and --", flag, " are both given; give one of them.");
    }
    eval::check_cost("c", arguments.cost.c);
  }
  if (!arguments.files.save.empty()) cli::require_free(arguments.files.save, arguments.overwrite);
  eval::check_grid(arguments.cost.grid);
  check(arguments.svm);
  check(arguments.validation);
  check(arguments.details, arguments.overwrite);
  line.require_apart([&files = arguments.files] {
    std::vector<std::string> read;
    for (const std::string& path : {files.train, files.test}) {
      if (file_format(path) == "dcgan-images") continue;
      for (const std::string& file : FeatureFileReader(path, files.features, files.labels).files())
        read.push_back(file);
    }
    return read;
  });
  if (arguments.svm.solver == eval::SolverKind::kLiblinear) {
    for (const char* flag : {"tolerance", "max-passes", "max-memory"}) {
      if (!line.given(flag)) continue;
      warn(line.common().quiet, std::string("--") + flag + " is ignored: it is the dense solver's.");
    }
  }
  return true;
}

// Of so much memory for everything, what the rows of training may take.
int64_t memory_for_rows(int64_t max_memory, int64_t columns) {
  // The program itself, the buffers of the file and the weights stay below this.
  const int64_t rest = (int64_t{200} << 20) + 2000 * columns;
  return std::max(max_memory / 4, max_memory - rest);
}

// Both files, the training rows in memory where they fit.
struct Rows {
  std::unique_ptr<LabelledRows> train, test;
  std::vector<int32_t> test_labels;  ///< by the classes of the training file
  int64_t memory = 0;                ///< that the training rows may take; 0: all they need
  std::optional<eval::FeatureMatrix> matrix;

  eval::TrainingSet training() const {
    const eval::NamedLabels& names = train->labels();
    const eval::RowSource& features = matrix ? static_cast<const eval::RowSource&>(*matrix) : *train;
    return {features, eval::all_rows(features.rows()), names.labels, static_cast<int64_t>(names.classes.size())};
  }
};

// What `call` throws, with the file that it is about.
template <class Call>
auto about_file(const std::string& path, const Call& call) {
  try {
    return call();
  } catch (const Error& error) {
    throw FileError(path, error.what());
  }
}

Rows load(const SvmArguments& arguments, const cli::CommonOptions& common) {
  const SvmFiles& files = arguments.files;
  const int64_t max_memory = files.max_memory.empty() ? 0 : cli::memory_size("max-memory", files.max_memory);
  Rows rows;
  rows.train = LabelledRows::open(files.train, files.features, files.labels);
  rows.test = LabelledRows::open(files.test, files.features, files.labels);
  check_pair(*rows.train, *rows.test, common.quiet);
  image_file(*rows.test, arguments.details);
  if (!files.save.empty() && rows.train->are_pixels()) {
    throw OptionError("--save keeps a machine for features; ", files.train, " holds packed images.");
  }
  // Rows stay in their file only where they would not fit.
  const int64_t columns = rows.train->columns();
  const int64_t needed = rows.train->rows() * eval::row_pitch(columns) * static_cast<int64_t>(sizeof(float));
  if (arguments.svm.solver == eval::SolverKind::kDense && max_memory > 0 &&
      needed > memory_for_rows(max_memory, columns)) {
    rows.memory = memory_for_rows(max_memory, columns);
  } else {
    cli::log(common.quiet, text_of("reading ", files.train, ": ", rows.train->rows(), " x ", columns, ", ",
                                   cli::human_bytes(needed)));
    rows.matrix.emplace(*rows.train);
  }
  about_file(files.train, [&] { eval::check(rows.training()); });
  rows.test_labels =
      about_file(files.test, [&] { return eval::match_classes(rows.test->labels(), rows.train->labels().classes); });
  return rows;
}

// The machine, and how it does on the test rows.
struct Fitted {
  eval::ChosenC c;
  eval::SvmFit fit;
  eval::Tested tested;

  double accuracy() const { return tested.accuracies.front(); }
};

Fitted fit(const Rows& rows, const SvmArguments& arguments, const cli::CommonOptions& common) {
  eval::SolverResources resources;
  resources.threads = common.threads;
  resources.seed = common.seed;
  resources.max_memory = rows.memory;
  cli::Progress progress("pass", 0, common);
  resources.on_pass = [&](int64_t passes, double gap) {
    cli::stop_if_interrupted();
    progress.note("gap below " + cli::to_text(gap));
    progress.update(passes);
  };
  resources.log = [&](const std::string& text) { cli::log(common.quiet, text); };
  const eval::TrainingSet training = rows.training();
  const auto splits = [&] { return eval::validation_splits(training.labels, {}, arguments.validation, common.seed); };
  const eval::ChosenC c = arguments.fixed ? eval::given_c(arguments.cost.c)
                                          : eval::choose_c(eval::trials_of(training, splits()), arguments.cost.grid,
                                                           arguments.svm, resources);
  if (!c.edge_warning().empty()) warn(common.quiet, c.edge_warning());
  if (!c.convergence().reached()) {
    warn(common.quiet, "C was chosen without convergence: " + c.convergence().warning());
  }
  const eval::SvmFit machine = eval::make_solver(training, arguments.svm, resources)->fit(c.value());
  eval::Convergence convergence;
  convergence.add(machine);
  if (!convergence.reached()) warn(common.quiet, convergence.warning());
  eval::TestSplit test(*rows.test, eval::all_rows(rows.test->rows()), rows.test_labels);
  return {c, machine, test.open(c, {machine}, common.threads)};
}

Details details_of(const Fitted& fitted, const Rows& rows, const DetailOptions& options) {
  Details details;
  details.title = rows.train->path() + " on " + rows.test->path();
  details.accuracy = fitted.accuracy();
  details.classes = rows.train->labels().classes;
  details.paths = rows.test->paths();
  details.confusion = fitted.tested.confusion;
  details.mistakes = fitted.tested.mistakes;
  for (eval::Mistake& mistake : details.mistakes) mistake.row = rows.test->row_in_file(mistake.row);
  details.pictures = pictures_of(details.mistakes, image_file(*rows.test, options));
  return details;
}

nlohmann::json grid_to_json(const eval::ChosenC& c) {
  nlohmann::json grid = nlohmann::json::array();
  for (const eval::GridPoint& p : c.grid())
    grid.push_back({{"c", p.c}, {"validation_accuracy", p.accuracy}, {"converged", p.convergence.reached()}});
  return grid;
}

nlohmann::ordered_json json_of(const Fitted& fitted, const Rows& rows, const SvmArguments& arguments) {
  const eval::SvmFit& machine = fitted.fit;
  const eval::Interval interval = eval::binomial_interval(fitted.accuracy(), rows.test->rows());
  nlohmann::ordered_json report = {{"accuracy", fitted.accuracy()},
                                   {"error", 1 - fitted.accuracy()},
                                   {"binomial_low", interval.low},
                                   {"binomial_high", interval.high},
                                   {"c", machine.c},
                                   {"primal", machine.primal},
                                   {"seconds", machine.seconds},
                                   {"converged", machine.converged},
                                   {"solver", to_name(arguments.svm.solver)},
                                   {"loss", to_name(arguments.svm.loss)},
                                   {"intercept", to_name(arguments.svm.intercept)},
                                   {"train_rows", rows.train->rows()},
                                   {"test_rows", rows.test->rows()},
                                   {"unlabelled_rows_left_out", rows.train->left_out() + rows.test->left_out()},
                                   {"features", rows.train->columns()},
                                   {"classes", rows.train->labels().classes}};
  if (machine.has_dual) {
    report.update({{"dual", machine.dual},
                   {"gap", machine.gap},
                   {"passes", machine.passes},
                   {"tolerance", arguments.svm.tolerance},
                   {"class_gaps", machine.class_gaps}});
  }
  if (!arguments.fixed) report.update({{"c_grid", grid_to_json(fitted.c)}, {"c_at_edge", fitted.c.at_edge()}});
  return report;
}

// No time and no path: equal fits give equal files.
void save(const Fitted& fitted, const Rows& rows, const SvmArguments& arguments, uint64_t seed) {
  const eval::LinearModel& model = fitted.fit.model;
  LinearMachines machines;
  machines.classes = rows.train->labels().classes;
  machines.c = fitted.fit.c;
  machines.origin = FeatureOrigin(*rows.train->info());
  for (int64_t k = 0; k < model.classes; ++k) {
    for (int64_t i = 0; i < model.columns; ++i) machines.weights.push_back(static_cast<float>(model.machine(k)[i]));
    machines.biases.push_back(static_cast<float>(model.machine(k)[model.columns]));
  }
  nlohmann::ordered_json record = json_of(fitted, rows, arguments);
  for (const char* key : {"seconds", "classes", "c"}) record.erase(key);
  record["seed"] = seed;
  machines.record = record.dump();
  cli::make_folder_of(arguments.files.save);
  LinearClassifier(std::move(machines)).save(arguments.files.save);
}

std::string report_text(const Fitted& fitted, const Rows& rows, const SvmArguments& arguments) {
  const eval::SvmFit& machine = fitted.fit;
  const eval::Interval interval = eval::binomial_interval(fitted.accuracy(), rows.test->rows());
  std::ostringstream text;
  text << std::fixed << std::setprecision(2) << "accuracy  " << 100 * fitted.accuracy() << "%  (" << rows.test->rows()
       << " test rows; 95% binomial interval " << 100 * interval.low << " to " << 100 * interval.high << ")\n"
       << std::defaultfloat << std::setprecision(6) << "C         " << machine.c
       << (arguments.fixed ? "" : "  (best on held-out training rows)")
       << (fitted.c.convergence().reached() ? "" : ", not converged") << "\nprimal    " << std::setprecision(8)
       << machine.primal << '\n';
  if (machine.has_dual) {
    text << "gap       " << std::setprecision(2) << machine.gap << "  after " << machine.passes << " passes\n";
  }
  text << std::setprecision(3) << "fit       " << machine.seconds << " s, " << to_name(arguments.svm.solver)
       << (machine.converged ? "\n" : ", not converged\n");
  return text.str();
}

}  // namespace

int svm_command(cli::CommandLine& line) {
  SvmArguments arguments;
  if (!parse(line, arguments)) return 0;
  const cli::CommonOptions& common = line.common();
  const Rows rows = load(arguments, common);
  const Fitted fitted = fit(rows, arguments, common);
  if (!arguments.files.save.empty()) save(fitted, rows, arguments, common.seed);
  nlohmann::ordered_json report = json_of(fitted, rows, arguments);
  report.update({{"seed", common.seed}, {"threads", common.threads}});
  std::string text = report_text(fitted, rows, arguments);
  const DetailOptions& wanted = arguments.details;
  if (wanted.wanted()) {
    const Details details = details_of(fitted, rows, wanted);
    std::ostringstream title;
    title << "dcgan-eval svm: " << std::fixed << std::setprecision(2) << 100 * fitted.accuracy() << "%";
    write_files(title.str(), {details}, wanted);
    add_details(details, report);
    text += details_text(details);
  }
  cli::print_result(common, report, text);
  return 0;
}

}  // namespace dcgan::eval_tool
