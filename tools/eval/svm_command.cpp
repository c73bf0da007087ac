#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "eval/choice.h"
#include "eval/splits.h"
#include "eval/test_split.h"
#include "tools/cli/command_line.h"
#include "tools/cli/memory.h"
#include "tools/cli/progress.h"
#include "tools/eval/commands.h"
#include "tools/eval/labelled_rows.h"

namespace dcgan::eval_tool {
namespace {

struct SvmFiles {
  std::string train, test;
  std::string features = "features";
  std::string labels = "labels";
  std::string max_memory;
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

nlohmann::json grid_to_json(const eval::ChosenC& c) {
  nlohmann::json grid = nlohmann::json::array();
  for (const eval::GridPoint& p : c.grid())
    grid.push_back({{"c", p.c}, {"validation_accuracy", p.accuracy}, {"converged", p.convergence.reached()}});
  return grid;
}

// Of so much memory for everything, what the rows of training may take.
int64_t memory_for_rows(int64_t max_memory, int64_t columns) {
  // The program itself, the buffers of the file and the weights stay below this.
  const int64_t rest = (int64_t{200} << 20) + 2000 * columns;
  return std::max(max_memory / 4, max_memory - rest);
}

void warn(bool quiet, const std::string& line) { cli::log(quiet, "warning: " + line); }

}  // namespace

int svm_command(int argc, const char* const* argv) {
  cli::CommonOptions common;
  SvmFiles files;
  eval::SvmOptions svm;
  CostOptions cost;
  eval::ValidationOptions validation;
  cli::CommandLine line("dcgan-eval svm", "Fits a linear SVM to one feature file and tests it on another.",
                        "dcgan-eval svm --train train.h5 --test test.h5 --c-grid 1e-5,1e-4,1e-3");
  line.add("Files", files);
  line.add("Machine", svm);
  line.add("Choice of C", cost);
  line.add("Choice of C", validation);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  if (files.train.empty()) throw OptionError("--train is missing; give the feature file to fit to.");
  if (files.test.empty()) throw OptionError("--test is missing; give the feature file to test on.");
  const bool fixed = line.given("c");
  if (fixed && line.given("c-grid")) throw OptionError("--c and --c-grid are both given; give one of them.");
  if (fixed) eval::check_cost("c", cost.c);
  for (const double c : cost.grid) eval::check_cost("c-grid", c);
  check(svm);
  check(validation);
  if (svm.solver == eval::SolverKind::kLiblinear) {
    for (const char* flag : {"tolerance", "max-passes", "max-memory"}) {
      if (line.given(flag)) warn(common.quiet, std::string("--") + flag + " is ignored: it is the dense solver's.");
    }
  }
  eval::SolverResources resources;
  resources.threads = cli::resolve_threads(common.threads);
  resources.seed = common.seed;
  const int64_t max_memory = files.max_memory.empty() ? 0 : cli::memory_size("max-memory", files.max_memory);

  const auto train_file = LabelledRows::open(files.train, files.features, files.labels);
  const auto test_file = LabelledRows::open(files.test, files.features, files.labels);
  if (train_file->are_pixels() != test_file->are_pixels()) {
    const auto& pixels = train_file->are_pixels() ? train_file : test_file;
    FeatureFileReader(pixels->path(), files.features, files.labels);  // says what it expected
  }
  if (train_file->columns() != test_file->columns()) {
    throw FileError(files.test, std::to_string(test_file->columns()) + " features a row, expected " +
                                    std::to_string(train_file->columns()) + " as in " + files.train +
                                    "; extract both with the same model, --layers and --grid.");
  }
  if (std::filesystem::equivalent(files.train, files.test)) {
    warn(common.quiet, "--train and --test are the same file: the accuracy says nothing about other images.");
  }
  if (!train_file->model_sha256().empty() && !test_file->model_sha256().empty() &&
      train_file->model_sha256() != test_file->model_sha256()) {
    warn(common.quiet, files.train + " and " + files.test + " were extracted with different models.");
  }

  // Rows stay in their file only where they would not fit.
  const int64_t needed =
      train_file->rows() * eval::row_pitch(train_file->columns()) * static_cast<int64_t>(sizeof(float));
  const bool from_disk = svm.solver == eval::SolverKind::kDense && max_memory > 0 &&
                         needed > memory_for_rows(max_memory, train_file->columns());
  std::optional<eval::FeatureMatrix> matrix;
  if (from_disk) {
    resources.max_memory = memory_for_rows(max_memory, train_file->columns());
  } else {
    cli::log(common.quiet, "reading " + files.train + ": " + std::to_string(train_file->rows()) + " x " +
                               std::to_string(train_file->columns()) + ", " +
                               cli::human_bytes(static_cast<double>(needed)));
    matrix.emplace(*train_file);
  }
  const eval::RowSource& features = from_disk ? static_cast<const eval::RowSource&>(*train_file) : *matrix;
  const eval::NamedLabels& names = train_file->labels();
  const eval::TrainingSet training{features, eval::all_rows(features.rows()), names.labels,
                                   static_cast<int64_t>(names.classes.size())};
  try {
    eval::check(training);
  } catch (const Error& error) {
    throw FileError(files.train, error.what());
  }
  eval::TestSplit test(*test_file, eval::all_rows(test_file->rows()), [&] {
    try {
      return eval::match_classes(test_file->labels(), names.classes);
    } catch (const Error& error) {
      throw FileError(files.test, error.what());
    }
  }());

  resources.on_pass = [&](int64_t passes, double gap) {
    if (cli::interrupted()) throw cli::Interrupted();
    if (from_disk) cli::log(common.quiet, "pass " + std::to_string(passes) + ": gap below " + cli::to_text(gap));
  };
  resources.log = [&](const std::string& text) { cli::log(common.quiet, text); };
  const eval::ChosenC c =
      fixed ? eval::given_c(cost.c)
            : eval::choose_c(training, eval::validation_splits(training.labels, {}, validation, common.seed), cost.grid,
                             svm, resources);
  if (!c.edge_warning().empty()) warn(common.quiet, c.edge_warning());
  if (!c.convergence().reached()) {
    warn(common.quiet, "C was chosen without convergence: " + c.convergence().warning());
  }
  std::vector<eval::SvmFit> fits;
  fits.push_back(eval::make_solver(training, svm, resources)->fit(c.value()));
  const eval::SvmFit& fit = fits.front();
  eval::Convergence convergence;
  convergence.add(fit);
  if (!convergence.reached()) warn(common.quiet, convergence.warning());
  const double accuracy = test.open(c, fits, resources.threads).front();

  nlohmann::json report = {{"accuracy", accuracy},
                           {"error", 1 - accuracy},
                           {"c", fit.c},
                           {"primal", fit.primal},
                           {"seconds", fit.seconds},
                           {"converged", fit.converged},
                           {"solver", to_name(svm.solver)},
                           {"loss", to_name(svm.loss)},
                           {"intercept", to_name(svm.intercept)},
                           {"train_rows", training.rows.size()},
                           {"test_rows", test_file->rows()},
                           {"features", training.features.columns()},
                           {"classes", names.classes},
                           {"seed", common.seed},
                           {"threads", resources.threads}};
  if (fit.has_dual) {
    report.update({{"dual", fit.dual},
                   {"gap", fit.gap},
                   {"passes", fit.passes},
                   {"tolerance", svm.tolerance},
                   {"class_gaps", fit.class_gaps}});
  }
  if (!fixed) report.update({{"c_grid", grid_to_json(c)}, {"c_at_edge", c.at_edge()}});
  if (common.json) {
    std::cout << report.dump(2) << '\n';
    return 0;
  }
  std::cout << std::fixed << std::setprecision(2) << "accuracy  " << 100 * accuracy << "%  (" << test_file->rows()
            << " test rows)\n"
            << std::defaultfloat << std::setprecision(6) << "C         " << fit.c
            << (fixed ? "" : "  (best on held-out training rows)")
            << (c.convergence().reached() ? "" : ", not converged") << "\nprimal    " << std::setprecision(8)
            << fit.primal << '\n';
  if (fit.has_dual)
    std::cout << "gap       " << std::setprecision(2) << fit.gap << "  after " << fit.passes << " passes\n";
  std::cout << std::setprecision(3) << "fit       " << fit.seconds << " s, " << to_name(svm.solver)
            << (fit.converged ? "" : ", not converged") << '\n';
  return 0;
}

}  // namespace dcgan::eval_tool
