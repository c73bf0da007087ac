#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "data/selected_source.h"
#include "dcgan/errors.h"
#include "dcgan/feature_compression.h"
#include "dcgan/seeds.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/extract/arguments.h"
#include "tools/extract/commands.h"

namespace dcgan::extract_tool {
namespace {

namespace fs = std::filesystem;

struct VerifyOptions {
  int64_t rows = 32;
  std::string model;
  double tolerance = 1e-4;
};

template <class Visitor>
void describe(VerifyOptions& o, Visitor&& f) {
  f(o.rows, "rows", "rows, drawn by --seed, that are extracted again and compared; 0: none");
  f(o.model, "model", "model file or name of a model; default: what FILE's command line says");
  f(o.tolerance, "tolerance",
    "largest difference from what is extracted again, relative to the largest feature of the row; 0 holds on the "
    "type of processor that made the file, other ones differ in the last digits");
}

void check_accounts(const FeatureFileReader& file) {
  const InputRange& inputs = file.info().inputs;
  const auto held = file.rows() + static_cast<int64_t>(file.failures().size());
  if (held != inputs.count || inputs.first < 0 || inputs.first + inputs.count > inputs.total) {
    throw FileError(file.path(), file.rows(), " rows and ", file.failures().size(), " failures for inputs ",
                    inputs.first, " to ", inputs.first + inputs.count - 1, " of ", inputs.total,
                    "; they must agree, extract it again.");
  }
  if (file.paths().size() != static_cast<size_t>(file.rows())) throw FileError(file.path(), "has no paths.");
}

void check_finite(const FeatureFileReader& file, const cli::CommonOptions& common) {
  constexpr int64_t kBlockValues = int64_t{4} << 20;  // 16 MiB
  const int64_t columns = file.feature_count();
  const int64_t block = std::max<int64_t>(1, kBlockValues / columns);
  std::vector<float> values;
  cli::Progress progress("rows", file.rows(), common);
  for (int64_t first = 0; first < file.rows(); first += block) {
    const int64_t count = std::min(block, file.rows() - first);
    values.resize(count * columns);
    file.read(first, count, values.data());
    const auto bad = std::find_if_not(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    if (bad != values.end()) {
      const int64_t at = bad - values.begin();
      throw FileError(file.path(), "row ", first + at / columns, ", feature ", at % columns, " is ", *bad,
                      "; expected finite values, extract it again.");
    }
    progress.update(first + count);
    cli::stop_if_interrupted();
  }
}

// The input that each row is: inputs and rows have one order, and what is no row is a failure.
std::vector<int64_t> inputs_of_rows(const FeatureFileReader& file, const data::ImageSource& source) {
  const InputRange& range = file.info().inputs;
  if (source.count() != range.total) {
    throw FileError(file.path(), "was made of ", range.total, " inputs, now there are ", source.count(),
                    "; name the images it was made of.");
  }
  const std::vector<Failure> failures = file.failures();
  std::vector<int64_t> inputs;
  size_t failed = 0;
  for (int64_t i = range.first; i < range.first + range.count; ++i) {
    const std::string path = source.path(i);
    if (inputs.size() < file.paths().size() && file.paths()[inputs.size()] == path) {
      inputs.push_back(i);
    } else if (failed < failures.size() && failures[failed].path == path) {
      ++failed;
    } else {
      throw FileError(file.path(), "input ", i, " is ", path,
                      ", which is neither the next row nor the next failure; the images are not those "
                      "it was made of, or rows are out of place.");
    }
  }
  return inputs;
}

void check_label(const FeatureFileReader& file, const data::ImageSource& source, int64_t row, int64_t input) {
  const auto name = [](const std::vector<std::string>& classes, const std::vector<int32_t>& labels, int64_t i) {
    const int32_t label = classes.empty() ? -1 : labels.at(i);
    return label < 0 ? "" : classes.at(label);
  };
  const std::string found = name(file.info().classes, file.labels(), row);
  const std::string expected = source.classes().empty() ? "" : name(source.classes(), {source.label(input)}, 0);
  if (found != expected) {
    throw FileError(file.path(), "row ", row, " (", source.path(input), ") has the label \"", found,
                    "\", the image has \"", expected, "\".");
  }
}

// @return the largest difference, relative to the largest feature of its row
double check_row(const FeatureFileReader& file, int64_t row, const float* expected, double tolerance) {
  const auto columns = static_cast<size_t>(file.feature_count());
  std::vector<float> found(columns);
  file.read(row, 1, found.data());
  const auto [feature, relative] = compare_rows(found.data(), expected, columns, file.info().storage);
  if (!(relative <= tolerance)) {
    throw FileError(file.path(), "row ", row, " (", file.paths()[row], ") differs: feature ", feature, " is ",
                    found[feature], ", extracted again it is ", expected[feature],
                    "; the image, the model or the file has changed.");
  }
  return relative;
}

double check_rows(const FeatureFileReader& file, const FeatureMaker& maker, const VerifyOptions& options,
                  const cli::CommonOptions& common) {
  const std::vector<int64_t> inputs = inputs_of_rows(file, maker.source);
  std::vector<int64_t> rows = shuffled_indices(file.rows(), derive_seed(common.seed, "verify"));
  rows.resize(std::min(options.rows, file.rows()));
  std::sort(rows.begin(), rows.end());
  std::vector<int64_t> selected;
  for (const int64_t row : rows) {
    selected.push_back(inputs[row]);
    check_label(file, maker.source, row, selected.back());
  }
  const data::SelectedSource sample(maker.source, selected);
  FeatureBlocks blocks(maker, sample, {common.threads});
  double worst = 0;
  while (blocks.next()) {
    const data::DecodedBlock& block = blocks.block;
    if (!block.failures.empty()) {
      throw FileError(file.path(), block.failures.front().path,
                      " has a row, but cannot be decoded now: ", block.failures.front().reason, ".");
    }
    for (int64_t i = 0; i < block.images.count(); ++i) {
      worst = std::max(worst, check_row(file, rows[block.first + i], blocks.features.data() + i * file.feature_count(),
                                        options.tolerance));
    }
    cli::stop_if_interrupted();
  }
  return worst;
}

// A model that shipped with the version that made the file may not ship any more.
std::string recorded_model(const std::string& model) try {
  return cli::model_file("--model", model);
} catch (const OptionError&) {
  return model;
}

// Why no row can be extracted again; empty where it can.
std::string missing_for_rows(const ExtractArguments& made) {
  if (!fs::exists(made.options.model)) return "the model \"" + made.options.model + "\" is not here; --model names it";
  const std::string& compress = made.features.compress;
  if (!compress.empty() && !fs::exists(compress)) return "the compression \"" + compress + "\" is not here";
  for (const std::string& image : made.images) {
    if (!fs::exists(image)) return "\"" + image + "\" is not here; name the images after FILE";
  }
  if (made.input.list == "-") return "the list came from standard input; name the images after FILE";
  const std::string by = made.input.labels();
  const std::string table = by == "first" || by == "parent" || by == "none" ? "" : by;
  for (const std::string& path :
       {made.input.list, table, made.statistics.statistics_from, made.statistics.statistics_list}) {
    if (!path.empty() && !fs::exists(path)) return "\"" + path + "\" is not here";
  }
  return "";
}

}  // namespace

int verify_command(cli::CommandLine& line) {
  std::vector<std::string> names;
  VerifyOptions options;
  const cli::CommonOptions& common = line.common();
  line.about("Checks a feature file, and extracts some of its rows again.", "photos.h5 --rows 100");
  line.positional(names, "FILE.h5 [IMAGES]", "the file; images, if they are not where the file says", 1);
  line.add("Checks", options);
  if (!line.parse()) return 0;
  require_option(options.rows >= 0, "rows", options.rows, "0 or more");
  require_option(options.tolerance >= 0, "tolerance", options.tolerance, "0 or more");

  const FeatureFileReader file(names.front());
  const FeatureFileInfo& info = file.info();
  if (info.model_sha256.empty()) throw FileError(file.path(), "does not say how it was made: no feature file of ours.");
  check_accounts(file);
  check_finite(file, common);
  nlohmann::ordered_json report = {{"file", file.path()},
                                   {"complete", true},
                                   {"rows", file.rows()},
                                   {"features", file.feature_count()},
                                   {"failures", info.inputs.count - file.rows()},
                                   {"finite", true}};
  std::string text =
      text_of(file.path(), ": complete, ", file.rows(), " rows of ", file.feature_count(), " finite features, ",
              info.inputs.count - file.rows(), " failures, every input accounted for\n");

  ExtractArguments made = arguments_of(file);
  made.options.model =
      options.model.empty() ? recorded_model(made.options.model) : cli::model_file("--model", options.model);
  if (names.size() > 1) made.images.assign(names.begin() + 1, names.end());
  made.features.threads = common.threads;
  made.features.device = common.device;
  made.common.threads = common.threads;
  made.common.quiet = common.quiet;
  std::string missing = missing_for_rows(made);
  if (!fs::exists(made.features.compress)) made.features.compress.clear();  // no row is extracted again then
  if (!missing.empty() && (line.given("rows") ? options.rows > 0 : names.size() > 1 || line.given("model"))) {
    throw FileError(file.path(), "no row can be extracted again: ", missing, ".");
  }
  if (fs::exists(made.options.model)) {
    FeatureExtractor extractor = make_extractor(made.options, made.features);
    const FeatureCompression* compression = extractor.compression();
    if (compression != nullptr && compression->sha256() != compression_sha256(info.preprocessing)) {
      throw FileError(file.path(), "went through another compression than ", made.features.compress, " is now.");
    }
    if (extractor.model_sha256() != info.model_sha256) {
      throw FileError(file.path(), "model_sha256 is ", info.model_sha256, ", that of ", made.options.model, " is ",
                      extractor.model_sha256(), "; it is another model.");
    }
    report["model"] = made.options.model;
    text += "model: " + made.options.model + " has the recorded hash " + info.model_sha256.substr(0, 12) + "...\n";
    if (missing.empty() && options.rows > 0) {
      const data::OpenedImages opened =
          data::open_images(made.images, made.input, decode_options(made.options, extractor.image_size()));
      use_statistics(extractor, made.statistics, made.options, made.common);
      const FeatureMaker maker = {*opened.source, extractor};
      const double worst = check_rows(file, maker, options, common);
      const int64_t checked = std::min(options.rows, file.rows());
      report["rows_extracted_again"] = checked;
      report["largest_difference"] = worst;
      text += text_of("rows: ", checked, " extracted again, ",
                      worst == 0 ? "equal" : cli::number_text("largest difference %.1e of the largest feature", worst),
                      "; all paths in the order of the images\n");
    }
  }
  if (!report.contains("rows_extracted_again")) {
    if (missing.empty()) missing = "--rows is 0";
    report["not_checked"] = missing;
    text += "not checked: rows extracted again (" + missing + ")\n";
  }
  cli::print_result(common, report, text);
  return 0;
}

}  // namespace dcgan::extract_tool
