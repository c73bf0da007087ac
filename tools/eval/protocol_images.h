#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "dcgan/images.h"
#include "tools/cli/command_line.h"

namespace dcgan::eval_tool {

/// Labelled images of one size in memory.
struct LoadedImages {
  ImageBatch batch;
  std::vector<std::string> classes;  ///< [K]
  std::vector<int64_t> groups;       ///< [N], or empty
  int64_t failures = 0;              ///< images that could not be read; named on stderr

  /// The images at the given places.
  LoadedImages at(const std::vector<int64_t>& indices) const;
};

/// The images of a protocol.
struct ProtocolImages {
  LoadedImages training, test;
  std::vector<std::string> notes;  ///< how they differ from those of the paper
};

/// All images of a source, resized by the authors' rule where they have another size.
LoadedImages load_images(const data::ImageSource& source, int64_t size, const cli::CommonOptions& common);

}  // namespace dcgan::eval_tool
