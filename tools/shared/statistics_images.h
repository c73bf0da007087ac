#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/image_decoder.h"
#include "data/resize.h"
#include "dcgan/next_images.h"
#include "tools/cli/command_line.h"

namespace dcgan::tools {

/// Which images the batch-norm statistics are inferred from.
struct StatisticsOptions {
  std::string statistics_from;
  std::string statistics_list;
  int64_t statistics_images = 0;
};

template <class Visitor>
void describe(StatisticsOptions& o, Visitor&& f) {
  f(o.statistics_from, "statistics-from",
    "images of the target domain (folder or packed file) that the batch-norm statistics are inferred from");
  f(o.statistics_list, "statistics-list", "order of those images, one path a line; default: shuffled by --seed");
  f(o.statistics_images, "statistics-images", "number of those images; 0: all, the authors' rule");
}

/// Those images, decoded and resized on several threads, in the order of the list or shuffled by the seed: a folder in
/// order of its classes would give minibatches of one class. Images that fail are named on stderr and left out.
/// @return throws cli::Interrupted if a signal came
NextImages statistics_images(const StatisticsOptions& options, const data::ResizeOptions& resize,
                             const data::DecodeOptions& decode, const cli::CommonOptions& common);

/// The files that these are read from; none where there are no such images.
std::vector<std::string> files_of(const StatisticsOptions& options);

}  // namespace dcgan::tools
