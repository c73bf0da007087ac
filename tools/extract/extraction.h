#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/image_decoder.h"
#include "data/image_source.h"
#include "data/resize.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/feature_file.h"

namespace dcgan::tools {

/// What decides the features of an image, apart from the image.
struct ExtractOptions {
  std::string model;
  std::string list;
  data::ResizeFilter resize = data::ResizeFilter::kLinear;
  int64_t max_pixels = data::DecodeOptions{}.max_pixels;
  std::string statistics_from;
  std::string statistics_list;
  int64_t statistics_images = 0;
};

template <class Visitor>
void describe(ExtractOptions& o, Visitor&& f) {
  f(o.model, "model", "model file (.safetensors)");
  f(o.list, "list", "file with one path a line, relative to IMAGES; - reads standard input");
  f(o.resize, "resize", "for images of another size than the model's: linear (the authors') or area");
  f(o.max_pixels, "max-pixels", "images with more pixels are failures");
  f(o.statistics_from, "statistics-from",
    "images of the target domain that the batch-norm statistics are inferred from; default: those in the model");
  f(o.statistics_list, "statistics-list", "order of those images, one path a line; default: shuffled by --seed");
  f(o.statistics_images, "statistics-images", "number of those images; 0: all, the authors' rule");
}

/// Images named on a command line: one packed file, or files and folders, or a list.
std::unique_ptr<data::ImageSource> open_images(const std::vector<std::string>& inputs, const std::string& list,
                                               const data::DecodeOptions& decode);

/// The extractor of the options, with the statistics that they ask for.
FeatureExtractor make_extractor(const ExtractOptions& options, const FeatureOptions& features, uint64_t seed, bool quiet);

/// JSON of what was done to each image before the network, and where the batch-norm statistics come from.
std::string preprocessing_json(const ExtractOptions& options, const FeatureExtractor& extractor,
                               const data::ImageSource& source);

struct ExtractionJob {
  std::string output;
  FeatureFileWriter::Mode mode = FeatureFileWriter::Mode::kCreate;
  FeatureFileInfo info;
  int64_t threads = 1;
  int64_t batch_size = 64;
  int64_t begin = 0;    ///< first input of this shard
  int64_t end = 0;      ///< one past the last
  bool strict = false;  ///< the first failure ends the run
  bool quiet = false;
};

/// What a run did and where its time went.
struct ExtractionReport {
  int64_t rows = 0;
  int64_t failures = 0;
  int64_t resumed_at = 0;  ///< inputs that an earlier run had done
  double seconds = 0;
  double decode_s = 0;   ///< summed over the decoding threads
  double wait_s = 0;     ///< the network waited for images
  double network_s = 0;
  double write_s = 0;    ///< the writing thread was busy
};

/// Decodes, runs the network and writes side by side; the rows are in the order of the inputs. Failures go to stderr, one
/// line each, and into the file. @throws cli::Interrupted after a flush, if a signal came.
ExtractionReport extract_to_file(const data::ImageSource& source, const data::ResizeOptions& resize,
                                 FeatureExtractor& extractor, const ExtractionJob& job);

}  // namespace dcgan::tools
