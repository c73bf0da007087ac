#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "data/image_source.h"
#include "tools/extract/extraction.h"

namespace dcgan::extract_tool {

/// What a run will find, and what it will need.
struct Plan {
  std::map<std::string, int64_t> types;  ///< inputs by extension, lower case; or by kind where they are no files
  int64_t inputs = 0;                    ///< of this run, shard and resumption counted
  int64_t features = 0;                  ///< D
  int64_t output_bytes = 0;              ///< at most; failures need less
  int64_t needed_bytes = 0;              ///< of the disk, beside what an interrupted run has written
  int64_t free_bytes = 0;                ///< in the folder of the output
  std::string folder;
  tools::InputsReport beside;

  /// "1200 images (900 jpg, 300 png), 28672 features each: 131.3 MiB; free in /data: 2.1 GiB".
  std::string text() const;
  /// @throws FileError if there is too little room for the output.
  void require_room(const std::string& output) const;
};

Plan make_plan(const data::ImageSource& source, const ExtractionJob& job);

/// Images per second, decoding and network side by side, measured for a few seconds on images that are spread evenly
/// over the inputs. @return 0 where there are none
double measure_rate(const FeatureMaker& maker, const ExtractionJob& job);

}  // namespace dcgan::extract_tool
