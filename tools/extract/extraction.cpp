#include "tools/extract/extraction.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <nlohmann/json.hpp>
#include <utility>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "dcgan/text.h"
#include "tools/cli/failure_log.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"

namespace dcgan::extract_tool {
namespace {

using cli::Clock;
using cli::seconds_since;

// Rows on their way to the file.
struct Rows {
  std::vector<float> features;
  std::vector<std::string> paths;
  std::vector<int32_t> labels;
  std::vector<Failure> failures, warnings;
  int64_t inputs_done = 0;
};

// Writes one block behind the network; no more than one waits, which keeps memory constant.
class WriterThread {
 public:
  explicit WriterThread(FeatureFileWriter& writer) : writer_(writer) {}

  /// @throws what the writing of the block before threw
  void put(Rows rows) {
    finish();
    writing_ = std::async(std::launch::async, [this, rows = std::move(rows)] {
      const Clock::time_point start = Clock::now();
      writer_.warn(rows.warnings);
      writer_.append(rows.features.data(), rows.paths, rows.labels, rows.failures, rows.inputs_done);
      flush_now_and_then();
      busy_s_ += seconds_since(start);
    });
  }

  /// Waits for what is on its way; throws what the writing threw.
  void finish() {
    if (writing_.valid()) writing_.get();
  }

  double busy_s() const { return busy_s_; }

 private:
  // So that a killed run loses a second or so of work; rarer where the disk is slow, to cost a twentieth of the time.
  void flush_now_and_then() {
    const Clock::time_point start = Clock::now();
    if (seconds_since(flushed_) < std::max(1.0, 20 * flush_s_)) return;
    writer_.flush();
    flush_s_ = seconds_since(start);
    flushed_ = Clock::now();
  }

  FeatureFileWriter& writer_;
  double busy_s_ = 0;
  Clock::time_point flushed_ = Clock::now();
  double flush_s_ = 0;         // that the last flush took
  std::future<void> writing_;  // the last member: its destructor waits
};

// Of a block that begins at input `first` only what precedes its first failure: that image is the next input.
void cut_before_failure(Rows& rows, const data::ImageSource& source, int64_t first, const InputRange& inputs) {
  int64_t whole = 0;
  while (source.path(first + whole) != rows.failures.front().path) ++whole;
  const size_t columns = rows.paths.empty() ? 0 : rows.features.size() / rows.paths.size();
  rows.features.resize(static_cast<size_t>(whole) * columns);
  rows.paths.resize(whole);
  if (!rows.labels.empty()) rows.labels.resize(whole);
  rows.failures.clear();
  rows.inputs_done = first + whole - inputs.first;
}

// The list of inputs holds names only: that these are the images that the interrupted run saw, the first and the last
// of them must show.
void check_what_is_done(const FeatureMaker& maker, const ExtractionJob& job, const FeatureFileWriter& writer) {
  constexpr int64_t kImages = 8;
  constexpr double kSame = 0.01;  // other processors and bfloat16 stay far below, another image far above
  const int64_t count = std::min(kImages, writer.inputs_done());
  if (count == 0) return;
  for (const int64_t first : {int64_t{0}, writer.inputs_done() - count}) {
    data::PipelineOptions options = job.inputs(first, count);
    options.block_size = count;  // all of them in one block, however small those of the run are
    FeatureBlocks blocks(maker, options);
    if (!blocks.next()) return;
    const std::vector<std::string>& paths = blocks.block.images.paths;
    const auto rows = static_cast<int64_t>(paths.size());
    const int64_t first_row = first == 0 ? 0 : writer.rows() - rows;
    const auto columns = static_cast<size_t>(maker.extractor.feature_count());
    std::vector<float> found(blocks.features.size());
    const bool enough = first_row >= 0 && first_row + rows <= writer.rows();
    if (enough) writer.read(first_row, rows, found.data());
    for (size_t i = 0; i < paths.size(); ++i) {
      const float* expected = blocks.features.data() + i * columns;
      if (enough && compare_rows(found.data() + i * columns, expected, columns, job.info.storage).relative <= kSame)
        continue;
      throw FileError(job.output + ".partial", paths[i],
                      " has other features now than in the interrupted run: the images "
                      "are not those that it saw. Resume with those, or start anew with "
                      "--overwrite.");
    }
  }
}

}  // namespace

RowDifference compare_rows(const float* found, const float* expected, size_t columns, FloatStorage storage) {
  double largest = 0;
  for (size_t j = 0; j < columns; ++j) largest = std::max(largest, std::abs(double{expected[j]}));
  RowDifference worst;
  for (size_t j = 0; j < columns; ++j) {
    // A half has 11 bits, and 2^-24 is its smallest step.
    const double rounding =
        storage == FloatStorage::kFloat16 ? std::ldexp(std::abs(double{expected[j]}), -11) + std::ldexp(1.0, -25) : 0;
    const double difference = std::abs(double{found[j]} - double{expected[j]}) - rounding;
    if (difference <= 0) continue;
    const double relative = difference / largest;  // infinite where all are expected to be 0
    if (std::isnan(relative)) return {j, relative};
    if (relative > worst.relative) worst = {j, relative};
  }
  return worst;
}

FeatureExtractor make_extractor(const ExtractOptions& options, const FeatureOptions& features) {
  return FeatureExtractor(cli::model_file("--model", options.model), features);
}

void use_statistics(FeatureExtractor& extractor, const tools::StatisticsOptions& statistics,
                    const ExtractOptions& options, const cli::CommonOptions& common) {
  if (statistics.statistics_from.empty()) {
    if (!statistics.statistics_list.empty()) throw OptionError("--statistics-list needs --statistics-from.");
    return;
  }
  const int64_t size = extractor.image_size();
  extractor.infer_statistics(
      tools::statistics_images(statistics, extractor.resize(), decode_options(options, size), common),
      statistics.statistics_from);
}

data::DecodeOptions decode_options(const ExtractOptions& options, int64_t size) {
  data::DecodeOptions decode;
  decode.max_pixels = options.max_pixels;
  decode.sample_bits = options.sample_bits;
  if (options.decode == DecodeMode::kScaled) decode.scaled_side = 2 * size;  // the resize averages what is left
  check(decode);
  return decode;
}

std::string preprocessing_json(const FeatureMaker& maker) {
  nlohmann::ordered_json json = {{"images", nlohmann::ordered_json::parse(maker.source.description())}};
  json.update(nlohmann::ordered_json::parse(maker.extractor.preprocessing()));
  return json_text(json);
}

data::PipelineOptions ExtractionJob::inputs(int64_t first, int64_t count) const {
  data::PipelineOptions options;
  options.threads = common.threads;
  options.block_size = batch_size;
  options.begin = info.inputs.first + first;
  options.end = options.begin + count;
  return options;
}

ExtractionReport extract_to_file(const FeatureMaker& maker, const ExtractionJob& job) {
  const Clock::time_point start = Clock::now();
  FeatureFileWriter writer(job.output, job.info, job.mode);
  const InputRange& inputs = job.info.inputs;
  ExtractionReport report;
  report.beside.classes = data::ClassCounts(job.info.classes);
  report.resumed_at = writer.inputs_done();
  check_what_is_done(maker, job, writer);

  FeatureBlocks blocks(maker, job.inputs(writer.inputs_done(), inputs.count - writer.inputs_done()));
  WriterThread writer_thread(writer);
  cli::Progress progress("images", inputs.count, job.common);
  progress.update(writer.inputs_done());
  cli::FailureLog failures;

  while (blocks.next()) {
    data::DecodedBlock& block = blocks.block;
    Rows rows;
    rows.features = std::exchange(blocks.features, {});
    rows.paths = std::move(block.images.paths);
    rows.labels = std::move(block.images.labels);
    rows.failures = std::move(block.failures);
    rows.warnings = std::move(block.warnings);
    rows.inputs_done = block.first + block.inputs - inputs.first;
    for (const Failure& failure : rows.failures) failures.add(failure);
    for (const auto& [remark, count] : block.remarks) report.beside.remarks[remark] += count;
    const bool failed = !rows.failures.empty();
    if (failed && job.strict) cut_before_failure(rows, maker.source, block.first, inputs);
    progress.update(rows.inputs_done);
    for (const int32_t label : rows.labels) report.beside.classes.add(label);
    const Clock::time_point put_start = Clock::now();
    writer_thread.put(std::move(rows));
    report.blocked_s += seconds_since(put_start);
    if (failed && job.strict) {
      writer_thread.finish();
      writer.flush();
      throw Error("an image failed and --strict is set; the rows before it are kept in ", job.output,
                  ".partial, --resume goes on with that image.");
    }
    if (cli::interrupted()) {
      writer_thread.finish();
      writer.flush();
      throw cli::Interrupted(writer.inputs_done(), inputs.count, "images");
    }
  }
  const Clock::time_point finish_start = Clock::now();
  writer_thread.finish();
  const Clock::time_point close_start = Clock::now();
  if (writer.inputs_done() != inputs.count) {
    throw Error("only ", writer.inputs_done(), " of ", inputs.count, " inputs are accounted for; ", job.output,
                ".partial is kept. Please report this.");
  }
  // A part of a larger list may have failures alone.
  if (writer.rows() == 0 && inputs.count == inputs.total && inputs.count > 0) {
    failures.finish("");
    writer.discard();
    throw Error("none of the ", inputs.count, " inputs gave a row; ", job.output, " is not made.");
  }
  failures.finish(job.output);
  report.rows = writer.rows();
  report.failures = inputs.count - writer.rows();
  report.warnings = writer.warnings();
  writer.close();
  if (report.resumed_at > 0) {  // the rows of the run before count, too
    const FeatureFileReader whole(job.output);
    report.beside.classes = data::ClassCounts(job.info.classes);
    for (const int32_t label : whole.labels()) report.beside.classes.add(label);
  }
  report.write_s = writer_thread.busy_s() + seconds_since(close_start);
  report.blocked_s += seconds_since(finish_start);
  report.network_s = blocks.network_s();
  report.decode_s = blocks.times().decode_s;
  report.wait_s = blocks.times().wait_s;
  report.seconds = seconds_since(start);
  return report;
}

}  // namespace dcgan::extract_tool
