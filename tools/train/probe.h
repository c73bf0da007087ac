#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dcgan/images.h"
#include "eval/splits.h"
#include "tools/cli/command_line.h"

namespace dcgan::train_tool {

struct ProbeOptions {
  std::string images;  ///< packed file with labels; empty: no probe
  double c = 1e-3;
  int64_t count = 2000;  ///< images
};

template <class Visitor>
void describe(ProbeOptions& o, Visitor&& f) {
  f(o.images, "probe",
    "packed labelled images, not a test set: after each checkpoint a linear SVM on the features of one half is tried "
    "on "
    "the other, and the best model is kept as best.safetensors");
  f(o.c, "probe-c", "C of the probe's SVM");
  f(o.count, "probe-images", "images of the file that are used, evenly spread");
}

/// Tells how well a linear machine separates labelled images by the features of a model, with its own statistics.
class Probe {
 public:
  /// @param common  its seed says which images are fitted to and which are tried
  /// @throws OptionError or FileError: labels of fewer than two classes, images of another size than the network's.
  Probe(const ProbeOptions& options, int64_t image_size, const cli::CommonOptions& common);

  /// @return share of the held-out half that is right, 0 to 1; nothing where the machine's fit did not converge
  std::optional<double> accuracy(const std::string& model_file) const;

 private:
  ProbeOptions options_;
  cli::CommonOptions common_;
  ImageBatch images_;
  int64_t classes_;  ///< K
  eval::RowSplit split_;
};

}  // namespace dcgan::train_tool
