#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "data/open_images.h"
#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/train_library.h"
#include "eval/features/image_features.h"
#include "eval/protocols/tables.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/shipped_files.h"
#include "tools/eval/commands.h"
#include "tools/eval/details.h"
#include "tools/eval/protocol_images.h"
#include "tools/eval/supervised_trials.h"
#include "tools/eval/svhn_images.h"

namespace dcgan::eval_tool {
namespace {

struct ProtocolFiles {
  std::string data;
  std::string model;
  std::vector<int64_t> layers;
  bool own_statistics = false;
  bool no_baselines = false;
  eval::TableFormat format = eval::TableFormat::kText;
};

template <class Visitor>
void describe(ProtocolFiles& o, Visitor&& f) {
  f(o.data, "data", "folder of the data set");
  f(o.model, "model", "model file (.safetensors), or the name of one that ships with the project");
  f(o.layers, "layers", "convolutions whose features are used, 1-based, such as 1,2,3; default all");
  f(o.own_statistics, "own-statistics", "batch-norm statistics of the model file, not those of the training images");
  f(o.no_baselines, "no-baselines", "only the model: neither raw pixels nor the untrained network");
  f(o.format, "format", "of the table on stdout");
}

// A row that needs LibTorch is left out where it is missing.
void add_if_possible(const std::function<void()>& add) {
  try {
    add();
  } catch (const NoTrainLibrary& error) {
    std::cerr << error.what() << " Its row is left out.\n";
  }
}

// The options that both commands have, and what follows from them.
class ProtocolCommand {
 public:
  ProtocolCommand(cli::CommandLine& command_line, std::vector<double> default_grid) : line(command_line) {
    grid = std::move(default_grid);
    line.add("Data and model", files);
    line.add("Machine", svm);
    line.add("Choice of C", grid, "c-grid", "values of C to choose from");
    line.add("K-means baseline", kmeans);
    line.add("Details of the last row", details);
    line.add_output("Details of the last row", details.html, "html", "HTML file to make of them");
    line.add("Details of the last row", overwrite, "overwrite", "replace a page that exists");
    line.require(files.data, "--data", "the folder of the data set");
  }

  /// To be called after line.parse().
  /// @param other_rows  whether the command has rows of its own, so that a model is not needed
  void check_options(bool other_rows = false) {
    if (files.model.empty() && kmeans.centroids == 0 && !other_rows) {
      throw OptionError(
          "--model is missing; give a model file, or the name of one that ships with the project, or only ask for "
          "baselines such as --kmeans.");
    }
    eval::check_grid(grid);
    check(svm);
    check(kmeans);
    if (common.json) files.format = eval::TableFormat::kJson;
    if (details.details && files.format == eval::TableFormat::kCsv) {
      throw OptionError("--details has no place in --format csv; take text, markdown or json, or --html.");
    }
    line.require_apart([this] {
      std::vector<std::string> read;
      if (!files.model.empty()) read.push_back(cli::model_file("--model", files.model));
      std::error_code no_folder;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(files.data, no_folder))
        read.push_back(entry.path());
      return read;
    });
    check(details, overwrite);
    if (!files.model.empty()) {
      files.model = cli::model_file("--model", files.model);
      model_ = load_model(files.model);
      image_size = model_.architecture.image_size;
    }
    const auto ignored = [&](bool useless, std::initializer_list<const char*> flags, const char* reason) {
      for (const char* flag : flags) {
        if (useless && line.given(flag)) cli::log(common.quiet, std::string("--") + flag + " is ignored: " + reason);
      }
    };
    ignored(kmeans.centroids == 0, {"kmeans-patches", "kmeans-iterations"}, "there is no --kmeans.");
    ignored(files.model.empty(), {"layers", "own-statistics"}, "there is no --model.");
  }

  eval::ProtocolResources resources() {
    eval::ProtocolResources r;
    r.svm = svm;
    r.grid = grid;
    r.solver.threads = common.threads;
    r.solver.seed = common.seed;
    r.solver.on_pass = [this](int64_t passes, double gap) {
      cli::stop_if_interrupted();
      progress_->note(text_of("pass ", passes, ", gap below ", cli::to_text(gap)));
      progress_->update(fits_done_);
    };
    r.solver.on_fit = [this] { progress_->update(++fits_done_); };
    r.solver.log = [quiet = common.quiet](const std::string& text) { cli::log(quiet, "  " + text); };
    return r;
  }

  /// One row of a table for each way to make features.
  /// @param fits  of each row
  using Protocol = std::function<std::vector<eval::ProtocolResult>(const eval::LabelledFeatures& training,
                                                                   const eval::LabelledFeatures& test)>;
  void run(eval::ResultTable& table, const ProtocolImages& images, int64_t fits, const Protocol& protocol) {
    const LoadedImages& training = images.training;
    const LoadedImages& test = images.test;
    const eval::ImagePair pair = {training.batch, test.batch};
    const eval::FeatureResources making = feature_resources();
    table.seed = common.seed;
    const int64_t all_rows = (files.no_baselines    ? 0
                              : files.model.empty() ? 1
                                                    : 2) +
                             (kmeans.centroids > 0 ? 1 : 0) + (files.model.empty() ? 0 : 1);
    int64_t row_number = 0;
    const auto add = [&](const std::string& name, const eval::FeaturePair& features,
                         std::vector<std::string> row_notes) {
      progress_.reset();
      const std::string place = text_of("row ", ++row_number, " of ", all_rows);
      cli::log(common.quiet,
               text_of(place, ", ", name, ": ", features.training->columns(), " features, ", fits, " fits"));
      progress_ = std::make_unique<cli::Progress>(place + ": fit", fits, common);
      fits_done_ = 0;
      progress_->update(0);
      const auto labelled = [](const eval::RowSource& rows, const LoadedImages& of) {
        return eval::LabelledFeatures{rows, of.batch.labels, of.batch.paths, of.groups, of.classes};
      };
      eval::MeasuredRow row;
      row.model = name;
      row.model_sha256 = features.model_sha256;
      row.features = features.training->columns();
      row.results = protocol(labelled(*features.training, training), labelled(*features.test, test));
      progress_.reset();
      row.notes = std::move(row_notes);
      row.notes.insert(row.notes.end(), images.notes.begin(), images.notes.end());
      if (svm.loss != eval::Loss::kSquaredHinge)
        row.notes.push_back(to_name(svm.loss) + " loss instead of squared hinge");
      if (svm.intercept != eval::Intercept::kPenalised) row.notes.push_back("no intercept");
      for (size_t c = 0; c < row.results.size(); ++c) {
        const eval::ProtocolResult& result = row.results[c];
        const std::string figure = "warning: " + name + ", " + table.columns[c] + ": ";
        if (!result.edge_warning.empty()) cli::log(common.quiet, figure + result.edge_warning);
        if (!result.converged) cli::log(common.quiet, figure + "fits did not converge; see the notes.");
      }
      table.measured.push_back(std::move(row));
    };
    if (!files.no_baselines) {
      add("raw pixels", eval::pixel_features(pair), {});
    }
    if (!files.no_baselines && !files.model.empty()) {
      add_if_possible([&] {
        add("untrained network", eval::untrained_features(pair, model_, making), {"same architecture, initialised"});
      });
    }
    if (kmeans.centroids > 0) {
      add(text_of("1 layer K-means, ", kmeans.centroids, " centroids"), eval::kmeans_features(pair, kmeans, making),
          {text_of("Euclidean K-means on ", kmeans.patches, " patches of the training images, standardised")});
    }
    if (!files.model.empty()) {
      std::vector<std::string> row_notes = {training_note(), variant_note()};
      if (files.own_statistics) row_notes.push_back("batch-norm statistics of the model file");
      add("DCGAN features + L2-SVM", eval::network_features(pair, model_, files.own_statistics, making),
          std::move(row_notes));
    }
    print(table, test);
  }

  cli::CommandLine& line;
  const cli::CommonOptions& common = line.common();
  ProtocolFiles files;
  eval::SvmOptions svm;
  std::vector<double> grid;
  eval::KmeansOptions kmeans;
  int64_t image_size = 32;
  DetailOptions details;
  bool overwrite = false;

 private:
  // The last row is the model's where there is one.
  std::vector<Details> details_of(const eval::ResultTable& table, const LoadedImages& test) const {
    std::vector<Details> sections;
    const eval::MeasuredRow& row = table.measured.back();
    for (size_t c = 0; c < row.results.size(); ++c) {
      const eval::ProtocolResult& result = row.results[c];
      if (result.training_rows == 0) continue;
      Details of_column;
      of_column.title = row.model + ", " + table.columns[c];
      of_column.accuracy = result.accuracy.mean;
      of_column.machines = result.accuracy.n;
      of_column.classes = test.classes;
      of_column.paths = test.batch.paths;
      of_column.confusion = result.confusion;
      of_column.mistakes = result.mistakes;
      if (!result.mistakes.empty()) {
        std::vector<int64_t> rows;
        for (const eval::Mistake& mistake : result.mistakes) rows.push_back(mistake.row);
        of_column.pictures = test.at(rows).batch;
      }
      sections.push_back(std::move(of_column));
    }
    return sections;
  }

  void print(const eval::ResultTable& table, const LoadedImages& test) const {
    const std::string text = eval::render(table, files.format);
    if (!details.wanted() || table.measured.empty()) {
      std::cout << text;
      return;
    }
    const std::vector<Details> sections = details_of(table, test);
    write_files(table.title, sections, details);
    if (!details.details) {
      std::cout << text;
    } else if (files.format == eval::TableFormat::kJson) {
      auto json = nlohmann::ordered_json::parse(text);
      for (const Details& section : sections) {
        nlohmann::ordered_json of_section = {{"figure", section.title}, {"classes", section.classes}};
        add_details(section, of_section);
        json["details"].push_back(of_section);
      }
      std::cout << json.dump() << "\n";
    } else {
      std::cout << text;
      const char* const fence = files.format == eval::TableFormat::kMarkdown ? "```\n" : "";
      for (const Details& section : sections) {
        std::cout << "\n" << fence << section.title << "\n" << details_text(section) << fence;
      }
    }
  }

  // Which published variant the network is, by its convolutions and the features that are used.
  std::string variant_note() const {
    for (const auto& [name, text] : {std::pair("imagenet32", "imagenet32 variant, 28,672 features: the paper's text"),
                                     std::pair("svhn32", "svhn32 variant, 7,168 features: the authors' script")}) {
      ArchitectureOptions published = published_architecture(name);
      published.ngf = model_.architecture.ngf;  // the generator's part does not matter
      published.nz = model_.architecture.nz;
      published.latent = model_.architecture.latent;
      const bool whole = model_.convolutions == static_cast<int64_t>(discriminator_convolutions(published).size());
      if (to_json(published) == to_json(model_.architecture) && whole && files.layers.empty()) return text;
    }
    return "not all convolutions of a published variant (imagenet32: 28,672 features, svhn32: 7,168)";
  }

  eval::FeatureResources feature_resources() {
    eval::FeatureResources r;
    r.network.layers = files.layers;
    r.network.threads = common.threads;
    r.network.device = common.device;
    r.seed = common.seed;
    r.on_progress = [this, shown = std::string()](const std::string& what, int64_t done, int64_t total) mutable {
      cli::stop_if_interrupted();
      if (what != shown) progress_ = std::make_unique<cli::Progress>(what, total, common);
      shown = what;
      progress_->update(done);
    };
    return r;
  }

  ModelFile model_;
  std::unique_ptr<cli::Progress> progress_;  ///< over the features, then over the fits of a row
  int64_t fits_done_ = 0;

  // What the model says of its own training data.
  std::string training_note() const {
    const nlohmann::json training = nlohmann::json::parse(model_.training, nullptr, false);
    if (training.is_object() && training.contains("data") && training["data"].is_object()) {
      const nlohmann::json& data = training["data"];
      const std::string images = data.contains("images") ? data["images"].dump() + " images, " : "";
      return "GAN trained on " + images + data.value("source", "of unknown origin");
    }
    return "GAN trained on data that the model file does not name";
  }
};

// Before the first second of work.
void require_rows(const LoadedImages& training, const eval::DrawOptions& draws, uint64_t seed) {
  const eval::FeatureMatrix no_features(0, 1);  // rows are drawn by their labels
  draw_rows({no_features, training.batch.labels, training.batch.paths, training.groups, training.classes}, draws, seed);
}

int exit_code(const ProtocolImages& images) {
  return images.training.failures + images.test.failures > 0 ? cli::kSomeInputsFailed : 0;
}

std::string per_class_text(int64_t per_class) { return text_of(per_class, " per class"); }

}  // namespace

int cifar10_command(cli::CommandLine& line) {
  line.about("Table 1 of the paper: CIFAR-10 with all and with few labels.",
             "--data cifar-10-batches-bin --model run/model.safetensors");
  ProtocolCommand command(line, eval::default_c_grid());
  eval::ValidationOptions validation;
  bool all_only = false;
  constexpr int64_t kOfficialTraining = 50000, kOfficialTest = 10000, kPublishedPerClass = 400;
  // The paper does not give the number of draws; ten thousand images of the training set choose C.
  eval::DrawOptions draws{kPublishedPerClass, 3, 10, 10000, kOfficialTraining};
  line.add("All labels", validation);
  line.add("Few labels", draws);
  line.add("Few labels", all_only, "all-labels-only", "leave out the column with few labels");
  if (!line.parse()) return 0;
  command.check_options();
  check(validation);
  check(draws);
  const auto load = [&](data::CifarSplit split) {
    return load_images(*data::open_cifar10(command.files.data, split), command.image_size, line.common());
  };
  ProtocolImages images{load(data::CifarSplit::kTrain), load(data::CifarSplit::kTest), {}};
  const auto official = [&](const LoadedImages& part, int64_t count, const std::string& what) {
    if (part.batch.count() == count) return;
    images.notes.push_back(text_of(part.batch.count(), " ", what));
  };
  official(images.training, kOfficialTraining, "training images instead of 50,000");
  official(images.test, kOfficialTest, "test images instead of 10,000");
  eval::ResultTable table = eval::cifar10_table();
  if (!all_only) require_rows(images.training, draws, line.common().seed);
  const size_t few = column_for(table, 1, per_class_text(kPublishedPerClass),
                                per_class_text(all_only ? kPublishedPerClass : draws.per_class));
  const int64_t fits = fits_of(validation, command.grid) + (all_only ? 0 : fits_of(draws, command.grid));
  command.run(table, images, fits, [&](const auto& a, const auto& b) {
    const eval::ProtocolResources resources = command.resources();
    std::vector<eval::ProtocolResult> results(table.columns.size());
    results[0] = all_labels(a, b, validation, resources);
    if (!all_only) results[few] = few_labels(a, b, draws, resources);
    return results;
  });
  return exit_code(images);
}

int svhn_command(cli::CommandLine& line) {
  line.about("Table 2 of the paper: SVHN with 1,000 labels.", "--data svhn/ --model run/model.safetensors");
  ProtocolCommand command(line, eval::published_c_grid());
  // The training set without the "extra" images; authors' svhn_semisup_analysis.py.
  constexpr int64_t kOfficialTraining = 73257;
  eval::DrawOptions draws{100, 10, 100, 10000, kOfficialTraining};
  TrialOptions trials;
  line.add("Draws", draws);
  line.add("Supervised baseline", trials);
  if (!line.parse()) return 0;
  check(draws);
  check(trials);
  command.check_options(trials.trials > 0);
  ProtocolImages svhn = load_svhn(command.files.data, command.image_size, line.common());
  const auto instead_of = [&](int64_t value, int64_t published, const char* what) {
    if (value == published) return;
    svhn.notes.push_back(text_of(value, " ", what, " instead of ", published));
  };
  const eval::DrawOptions published;
  instead_of(draws.per_class, published.per_class, "labels per class");
  instead_of(draws.selection_draws, published.selection_draws, "draws for each C");
  instead_of(draws.final_draws, published.final_draws, "draws");
  instead_of(draws.validation_rows, published.validation_rows, "validation images");
  if (command.grid != eval::published_c_grid()) svhn.notes.push_back("another grid of C");
  require_rows(svhn.training, draws, line.common().seed);
  eval::ResultTable table = eval::svhn_table();
  size_t column = 0;
  if (draws.per_class != published.per_class) {
    const auto classes = static_cast<int64_t>(svhn.training.classes.size());
    table.title = "SVHN with few labels, error";
    column = column_for(table, 0, "1,000 labels", text_of(draws.per_class * classes, " labels"));
  }
  if (trials.trials > 0) {
    add_if_possible([&] {
      table.measured.push_back(supervised_row(trials, draws, svhn.training, line.common()));
      auto& results = table.measured.back().results;
      results.insert(results.begin(), column, eval::ProtocolResult{});
    });
  }
  command.run(table, svhn, fits_of(draws, command.grid), [&](const auto& a, const auto& b) {
    std::vector<eval::ProtocolResult> results(table.columns.size());
    results[column] = few_labels(a, b, draws, command.resources());
    return results;
  });
  return exit_code(svhn);
}

}  // namespace dcgan::eval_tool
